"""Another norm in the place of each norm of a model, by one call."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core import SurgeryError
from torchclinic.nn.checks import one_of
from torchclinic.nn.normalisation import ChannelsLast
from torchclinic.nn.normalisation.ghost_batch_norm import GHOST_SIZE
from torchclinic.nn.surgery.neighbours import Neighbours, neighbours
from torchclinic.nn.surgery.norm_site import NormSite, norm_sites, weight_norms
from torchclinic.nn.surgery.norms import NORMS, NormKind, NormOptions
from torchclinic.nn.surgery.places import alike, make_plain, refuse_inside_torchs, replace_module


def replace_norm(
    model: nn.Module,
    to: str,
    *,
    example: Any | None = None,
    groups: int | None = None,
    ghost_size: int = GHOST_SIZE,
    affine: bool | None = None,
    carry: bool = True,
    inplace: bool = False,
) -> nn.Module:
    """The model with other norms in the places of its norms.

    Channels, dimensions (1d, 2d, 3d), channels first or last, device, precision and mode are kept.
    Weight and spectral norm go to the layer before the norm, which gets a bias if it had none;
    where the model has them now, another norm is put behind that layer.

    Args:
        model: With norms of torch's or of `torchclinic.nn.normalisation`.
        to: "batch", "layer", "instance", "group", "rms", "weight", "spectral" or "none"; besides
            "ghost" and "statistics" (batch norm without gamma and beta).
        example: A batch of inputs (a tuple for several arguments). Needed where the model alone
            does not show how many dimensions a norm's input has, or which layer stands before it.
        groups: Of a group norm; None for the largest divisor of the channels that is at most 32
            and leaves two channels a group.
        ghost_size: Rows in a part of a ghost batch norm.
        affine: Whether the new norms have a scale and a shift; None for as the old ones.
        carry: Whether learned scales and shifts by channel go over to the new norm.
        inplace: Whether to change the model itself instead of a copy.

    Returns:
        The changed model.

    Raises:
        UsageError: For another name.
        SurgeryError: If there is no norm, if groups do not divide the channels, if the norm does
            not fit there, or if more must be known and there is no example.

    Source: the papers of the norms, in `torchclinic.nn.surgery.NORMS`.

    >>> model = nn.Sequential(nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    >>> replace_norm(model, "group", groups=4)[1].num_groups
    4
    >>> replace_norm(model, "weight")[0].bias.shape
    torch.Size([16])
    """
    one_of(to, NORMS, "to")
    if not inplace:
        model = copy.deepcopy(model)
    kind, options = NORMS[to], NormOptions(groups, ghost_size)
    sites = [site if affine is None else replace(site, affine=affine) for site in norm_sites(model)]
    if not sites:
        raise SurgeryError(
            f"{type(model).__name__} has no norm that could be replaced",
            hint="put norms into it first",
        )
    for site in sites:
        refuse_inside_torchs(model, site.name)
    around = None if _needs_no_look(kind, example) else neighbours(model, example)
    steps = [_plan(model, site, kind, options, around) for site in sites]
    for site, layer, new in steps:
        model = _apply(model, site, layer, new, kind, carry=carry)
    return model


_Step = tuple[NormSite, nn.Module | None, nn.Module]


def _needs_no_look(kind: NormKind, example: Any | None) -> bool:
    return example is None and kind.build is not None


def _plan(
    model: nn.Module,
    site: NormSite,
    kind: NormKind,
    options: NormOptions,
    around: Neighbours | None,
) -> _Step:
    """What will be done at a site; nothing is changed yet, so that an error leaves all as it is."""
    if around is not None:
        site = site.observed(None if site.of_weight else around.rank(site.name))
    if kind.build is not None:
        return site, None, kind.build(site, options)
    layer = site.module if site.of_weight else _layer_before(model, site, kind, around)
    return site, layer, nn.Identity()


def _layer_before(
    model: nn.Module, site: NormSite, kind: NormKind, around: Neighbours | None
) -> nn.Module | None:
    try:
        name = around.nearest(site.name) if around is not None else None
    except SurgeryError:
        if kind.parametrise is not None:
            raise
        name = None
    if name is not None:
        return model.get_submodule(name)
    if kind.parametrise is None:
        return None
    raise SurgeryError(
        f"no single layer stands before {site.name!r} whose weight could be normalised",
        hint="weight and spectral norm need a Linear or a convolution there",
    )


def _apply(
    model: nn.Module,
    site: NormSite,
    layer: nn.Module | None,
    new: nn.Module,
    kind: NormKind,
    *,
    carry: bool,
) -> nn.Module:
    if site.of_weight:
        make_plain(site.module)
    alike(new, site.module)
    if kind.parametrise is not None and layer is not None:
        if not weight_norms(layer):
            kind.parametrise(layer)
    elif site.of_weight and kind.build is not None:
        both = nn.Sequential(site.module, new).train(site.module.training)
        return replace_module(model, site.module, both)
    if site.of_weight:
        return model
    if layer is not None:
        _ensure_bias(layer, site)
    if carry:
        _carry(site, new)
    return replace_module(model, site.module, new)


def _ensure_bias(layer: Any, site: NormSite) -> None:
    if layer.bias is None and site.affine:
        weight: Tensor = layer.weight
        channels = getattr(layer, "out_features", None) or layer.out_channels
        bias = torch.zeros(channels, device=weight.device, dtype=weight.dtype)
        layer.register_parameter("bias", nn.Parameter(bias))


def _carry(site: NormSite, new: nn.Module) -> None:
    norm: Any = new.norm if isinstance(new, ChannelsLast) else new
    for name, value in (("weight", site.weight), ("bias", site.bias)):
        target = getattr(norm, name, None)
        if target is not None and value is not None and target.shape == value.shape:
            target.data.copy_(value.detach())
