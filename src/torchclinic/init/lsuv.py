"""Layer-sequential unit-variance initialisation: measured on data, layer by layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from torchclinic.graph import ForwardRecorder, LayerNode, undisturbed
from torchclinic.graph.layer_kinds import MAPS
from torchclinic.init.data_scheme import DATA_SCHEMES, DataScheme, RunForward
from torchclinic.init.initialize import initialize
from torchclinic.init.report import Filled, InitReport

TOLERANCE = 0.1  # Mishkin and Matas 2015, algorithm 1
MAX_ITERATIONS = 10  # the same


def lsuv_(
    model: nn.Module,
    run_forward: RunForward,
    *,
    orthonormal: bool = True,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
    generator: torch.Generator | None = None,
) -> InitReport:
    r"""Make the output of each linear and convolutional layer of unit variance on a batch.

    Orthonormal weights first; then, from the input to the output, $W_l \leftarrow W_l /
    \sqrt{\mathrm{Var}(B_l)}$ until $|\mathrm{Var}(B_l) - 1| < 0.1$, where $B_l$ is the layer's
    output on the batch. Only parameters change: buffers, modes, gradients and random states are as
    found, so that without a `generator` the weights follow from torch's global state as it is.

    Args:
        model: The model.
        run_forward: `run_forward(model)` runs it on one batch, of the same rows each time.
        orthonormal: Whether the weights are made orthonormal first, as the paper does.
        tolerance: Largest distance of the variance from 1.
        max_iterations: Rescalings of a layer at most.
        generator: Source of random numbers for the orthonormal weights.

    Returns:
        For each layer the variance that was reached; why not, for those that were left.

    Source: Mishkin and Matas 2015, algorithm 1, arXiv 1511.06422.

    >>> model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    >>> rows = torch.randn(256, 8, generator=torch.Generator().manual_seed(0)) * 9
    >>> _ = lsuv_(model, lambda m: m(rows), generator=torch.Generator().manual_seed(0))
    >>> abs(float(model(rows).detach().var()) - 1) < 0.1
    True
    """
    with undisturbed(model), torch.no_grad():
        quiet(model)
        with ForwardRecorder(model) as recorder:
            run_forward(model)
        forward_map = recorder.result()
        layers = [layer for layer in forward_map.layers if layer.kind in MAPS]
        if orthonormal:
            initialize(model, "orthogonal", forward_map=forward_map, generator=generator)
        found = [_scale(model, layer, run_forward, tolerance, max_iterations) for layer in layers]
    left = tuple(row for row in found if row.std is None)
    return InitReport(tuple(row for row in found if row.std is not None), left)


def quiet(model: nn.Module) -> None:
    """Training mode, so that batch norms work on the batch, but without dropout."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()


def _scale(
    model: nn.Module, layer: LayerNode, run_forward: RunForward, tolerance: float, limit: int
) -> Filled:
    weight = _weight(layer)
    if weight is None:
        return Filled(layer.name, (), "left: frozen, or its parametrisation cannot be set")
    shape, start = tuple(weight.shape), weight.detach().clone()
    variance = _variance(model, layer.name, run_forward)
    for _ in range(limit):
        if not 0 < variance < float("inf"):
            _set(layer, start)
            return Filled(layer.name, shape, f"left: the variance of its output is {variance:g}")
        if abs(variance - 1) < tolerance:
            break
        _set(layer, _now(layer) / variance**0.5)
        variance = _variance(model, layer.name, run_forward)
    method = f"LSUV, variance of its output {variance:.3g}"
    return Filled(layer.name, shape, method, float(_now(layer).std(correction=0)))


def _variance(model: nn.Module, name: str, run_forward: RunForward) -> float:
    """Variance of the layer's output, of its last call (and with the bias of a bare layer)."""
    seen: list[float] = []

    def note(layer: str, output: Tensor) -> None:
        if layer == name:
            seen.append(float(output.detach().float().var(correction=0)))

    with ForwardRecorder(model, note):
        run_forward(model)
    return seen[-1] if seen else float("nan")


def _now(layer: LayerNode) -> Tensor:
    found: Any = layer.weight if layer.module is None else layer.module.weight
    return found.detach()


def _weight(layer: LayerNode) -> Tensor | None:
    """The weight if it may be changed."""
    if layer.module is not None and parametrize.is_parametrized(layer.module, "weight"):
        originals = layer.module.parametrizations.weight.parameters()  # type: ignore[union-attr]
        return _now(layer) if all(p.requires_grad for p in originals) else None
    found: Any = layer.weight if layer.module is None else layer.module.weight
    return found.detach() if found is not None and found.requires_grad else None


def _set(layer: LayerNode, value: Tensor) -> None:
    module: Any = layer.module
    if module is not None and parametrize.is_parametrized(module, "weight"):
        module.weight = value
    else:
        parameter: Any = layer.weight if module is None else module.weight
        parameter.copy_(value)


DATA_SCHEMES.add(
    "lsuv",
    DataScheme(
        "lsuv",
        "layer-sequential unit variance",
        lsuv_,
        ("orthonormal", "tolerance", "max_iterations"),
        "Mishkin and Matas 2015, arXiv 1511.06422",
    ),
)
