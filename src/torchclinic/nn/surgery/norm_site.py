"""A norm as it stands in a model: its channels, where they lie, and what it has learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from torchclinic.nn.normalisation import ChannelsLast, FrozenBatchNorm
from torchclinic.nn.surgery.neighbours import MAPS

_RANKS: dict[type[nn.Module], tuple[int, ...]] = {
    nn.BatchNorm1d: (2, 3),
    nn.BatchNorm2d: (4,),
    nn.BatchNorm3d: (5,),
    nn.InstanceNorm1d: (3,),
    nn.InstanceNorm2d: (4,),
    nn.InstanceNorm3d: (5,),
    nn.Conv1d: (3,),
    nn.ConvTranspose1d: (3,),
    nn.Conv2d: (4,),
    nn.ConvTranspose2d: (4,),
    nn.Conv3d: (5,),
    nn.ConvTranspose3d: (5,),
}
_ANY = (2, 3, 4, 5)
_ROWS_OR_SEQUENCES = (2, 3)
_CHANNELS_SECOND = (
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
    FrozenBatchNorm,
    nn.GroupNorm,
)


@dataclass(frozen=True)
class NormSite:
    """A norm in a model, or a layer whose weight is normalised.

    Attributes:
        name: Of the module.
        module: The norm, or the layer.
        channels: Number of channels.
        ranks: Numbers of dimensions that its input may have.
        last: Whether the channels are the last dimension, otherwise they are the second.
        weight: Scale by channel, None without one.
        bias: Shift by channel, None without one.
        affine: Whether it has learned parameters.
        of_weight: Whether it is a layer whose weight is normalised.
    """

    name: str
    module: nn.Module
    channels: int
    ranks: tuple[int, ...]
    last: bool = False
    weight: Tensor | None = None
    bias: Tensor | None = None
    affine: bool = True
    of_weight: bool = False

    def observed(self, rank: int | None) -> NormSite:
        """The same with the number of dimensions that was seen."""
        return self if rank is None else replace(self, ranks=(rank,))


def norm_sites(model: nn.Module) -> list[NormSite]:
    """All norms of a model that are torch's or this package's, in the order of registration.

    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.LayerNorm(9))
    >>> [(site.channels, site.ranks, site.last) for site in norm_sites(model)]
    [(8, (4,), False), (9, (2, 3), True)]
    """
    inside = {id(m.norm) for m in model.modules() if isinstance(m, ChannelsLast)}
    found = [
        site_of(name, module) for name, module in model.named_modules() if id(module) not in inside
    ]
    return [site for site in found if site is not None]


def site_of(name: str, module: nn.Module) -> NormSite | None:
    """What a module is as a norm; None if it is none."""
    if isinstance(module, ChannelsLast):
        inner = site_of(name, module.norm)
        return inner and replace(inner, module=module, last=module.inwards)
    norm: Any = module
    if isinstance(module, _CHANNELS_SECOND):
        channels = norm.num_channels if isinstance(module, nn.GroupNorm) else norm.num_features
        return _site(name, norm, channels, _ranks(module), last=False)
    if isinstance(module, nn.LayerNorm | nn.RMSNorm):
        shape = tuple(norm.normalized_shape)
        if len(shape) == 1:
            return _site(name, norm, shape[0], _ROWS_OR_SEQUENCES, last=True)
        return _site(name, norm, shape[0], (len(shape) + 1,), last=False)
    if isinstance(module, MAPS) and weight_norms(module):
        return _layer_site(name, module)
    return None


def weight_norms(layer: nn.Module) -> list[nn.Module]:
    """The weight and spectral norms on a layer's weight."""
    if not parametrize.is_parametrized(layer, "weight"):
        return []
    chain: Any = layer.parametrizations
    kinds = parametrizations._WeightNorm | parametrizations._SpectralNorm
    return [step for step in chain["weight"] if isinstance(step, kinds)]


def _site(name: str, norm: Any, channels: int, ranks: tuple[int, ...], *, last: bool) -> NormSite:
    weight, bias = norm.weight, getattr(norm, "bias", None)
    fits = weight is None or tuple(weight.shape) == (channels,)
    return NormSite(
        name=name,
        module=norm,
        channels=channels,
        ranks=ranks,
        last=last,
        weight=weight if fits else None,
        bias=bias if fits else None,
        affine=weight is not None,
    )


def _layer_site(name: str, layer: Any) -> NormSite:
    dense = isinstance(layer, nn.Linear)
    channels = layer.out_features if dense else layer.out_channels
    ranks = _ROWS_OR_SEQUENCES if dense else _ranks(layer)
    return NormSite(name, layer, channels, ranks, last=dense, of_weight=True)


def _ranks(module: nn.Module) -> tuple[int, ...]:
    found = (ranks for kind, ranks in _RANKS.items() if isinstance(module, kind))
    return next(found, _ANY)
