"""Weight normalisation's start: zero mean and unit variance of each unit, measured on data."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from torchclinic.graph import ForwardRecorder, LayerNode, undisturbed
from torchclinic.graph.layer_kinds import MAPS
from torchclinic.init.data_scheme import DATA_SCHEMES, DataScheme, RunForward
from torchclinic.init.lsuv import quiet
from torchclinic.init.report import Filled, InitReport

STD = 0.05  # of v, Salimans and Kingma 2016, section 3


def weight_norm_(
    model: nn.Module,
    run_forward: RunForward,
    *,
    std: float = STD,
    generator: torch.Generator | None = None,
) -> InitReport:
    r"""Give each unit's pre-activation mean 0 and variance 1 on a batch, by its own g and b.

    From the input to the output: $v \sim N(0, 0.05^2)$, $t = v \cdot x / \lVert v \rVert$ on the
    batch, then $g \leftarrow 1 / \sigma[t]$ and $b \leftarrow -\mu[t] / \sigma[t]$. (It is v whose
    length is divided by, not x.) A layer under torch's `weight_norm` gets this v and g; a plain one
    the weight $g v / \lVert v \rVert$. A layer without a bias is scaled only.

    Args:
        model: The model; only parameters of linear and convolutional layers change.
        run_forward: `run_forward(model)` runs it on one batch, of the same rows each time.
        std: Standard deviation of v.
        generator: Source of v.

    Returns:
        What each layer reached; why not, for those that were left.

    Source: Salimans and Kingma 2016, section 3, arXiv 1602.07868.

    >>> model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    >>> rows = torch.randn(256, 8, generator=torch.Generator().manual_seed(0)) * 9 + 3
    >>> _ = weight_norm_(model, lambda m: m(rows), generator=torch.Generator().manual_seed(0))
    >>> bool(torch.allclose(model(rows).std(0), torch.ones(4), atol=0.01))
    True
    """
    with undisturbed(model), torch.no_grad():
        quiet(model)
        with ForwardRecorder(model) as recorder:
            run_forward(model)
        layers = [layer for layer in recorder.result().layers if layer.kind in MAPS]
        found = [_start(model, layer, run_forward, std, generator) for layer in layers]
    left = tuple(row for row in found if row.std is None)
    return InitReport(tuple(row for row in found if row.std is not None), left)


def _start(
    model: nn.Module,
    layer: LayerNode,
    run_forward: RunForward,
    std: float,
    generator: torch.Generator | None,
) -> Filled:
    owner = _Owner(layer)
    if not owner.trainable:
        return Filled(layer.name, (), "left: frozen, or its parametrisation cannot be set")
    shape, before = tuple(owner.weight.shape), owner.weight.detach().clone()
    drawn = torch.randn(shape, generator=generator).to(owner.weight) * std
    units = drawn.movedim(layer.unit_axis, 0).flatten(1)
    lengths = units.norm(dim=1)
    ones = torch.ones_like(lengths)
    owner.set(drawn, lengths, ones)
    owner.shift(torch.zeros_like(lengths))
    mean, deviation = _statistics(model, layer, run_forward)
    if not bool((deviation > 0).all()) or not bool(deviation.isfinite().all()):
        owner.restore(before)
        return Filled(layer.name, shape, "left: a unit's output does not vary on the batch")
    owner.set(drawn, lengths, 1 / deviation)
    shifted = owner.shift(-mean / deviation)
    method = "weight norm's start, g = 1 / sigma" + (", b = -mu / sigma" if shifted else "")
    return Filled(layer.name, shape, method, float(owner.weight.std(correction=0)))


def _statistics(
    model: nn.Module, layer: LayerNode, run_forward: RunForward
) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each unit's output over the batch, of the last call."""
    seen: list[tuple[Tensor, Tensor]] = []

    def note(name: str, output: Tensor) -> None:
        if name == layer.name:
            rows = output.detach().movedim(layer.unit_dim, -1).flatten(0, -2)
            seen.append((rows.mean(0), rows.std(0, correction=0)))

    with ForwardRecorder(model, note):
        run_forward(model)
    return seen[-1]


class _Owner:
    """The weight of a layer, plain, bare or normalised, and its bias."""

    def __init__(self, layer: LayerNode) -> None:
        self._layer = layer
        self._module: Any = layer.module
        parametrised = layer.module is not None and parametrize.is_parametrized(layer.module)
        parts: Any = layer.module.parametrizations.weight if parametrised else None  # type: ignore[union-attr]
        self._parts = parts
        self._normed = parts is not None and type(parts[0]).__name__ == "_WeightNorm"

    @property
    def weight(self) -> Tensor:
        found: Any = self._layer.weight if self._module is None else self._module.weight
        return found.detach()

    @property
    def trainable(self) -> bool:
        if self._parts is not None:
            return self._normed and all(p.requires_grad for p in self._parts.parameters())
        found: Any = self._layer.weight if self._module is None else self._module.weight
        return bool(found.requires_grad)

    def set(self, v: Tensor, lengths: Tensor, g: Tensor) -> None:
        """The weight is g v / |v| from now on."""
        axis = self._layer.unit_axis
        shape = [-1 if i == axis else 1 for i in range(v.dim())]
        if self._normed and self._parts.original0.numel() == g.numel():
            self._parts.original1.copy_(v)
            self._parts.original0.copy_(g.view(self._parts.original0.shape))
        else:
            self.restore(v * (g / lengths).view(shape))

    def restore(self, weight: Tensor) -> None:
        """The weight as a whole."""
        if self._module is None:
            assert self._layer.weight is not None
            self._layer.weight.copy_(weight)
        elif self._parts is not None:
            self._module.weight = weight
        else:
            self._module.weight.copy_(weight)

    def shift(self, value: Tensor) -> bool:
        """Set the bias, if there is one that may be set."""
        bias = getattr(self._module, "bias", None)
        if not isinstance(bias, nn.Parameter) or not bias.requires_grad:
            return False
        bias.copy_(value)
        return True


DATA_SCHEMES.add(
    "weight-norm",
    DataScheme(
        "weight-norm",
        "weight normalisation's start",
        weight_norm_,
        ("std",),
        "Salimans and Kingma 2016, arXiv 1602.07868",
    ),
)
