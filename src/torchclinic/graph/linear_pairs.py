"""Pairs of linear or convolutional layers with nothing non-linear between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from torchclinic.graph.bare_layers import BareLayer
from torchclinic.graph.flow import Op
from torchclinic.graph.layer_kinds import CONVOLUTIONS, MAPS, TRANSPOSED
from torchclinic.graph.op_graph import OpGraph
from torchclinic.graph.op_kinds import AFFINE_NORMS, AFFINE_ROLES, MATRIX_PRODUCTS, Role

_BARE_MAPS = MATRIX_PRODUCTS - {"embedding", "embedding_bag"}
_AFFINE_NORM_NAMES = AFFINE_NORMS | {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"}


def linear_pairs(
    graph: OpGraph, modules: Mapping[str, nn.Module], bare: Mapping[str, BareLayer]
) -> tuple[tuple[str, str], ...]:
    """(first, second) names of layers of which the second only sees an affine map of the first.

    A batch norm between them counts as affine, which it is in evaluation mode. Left out, because
    people build them so on purpose:

    - a narrow first layer (rank factorisation, linear bottleneck), shared weights (tied ends of an
      autoencoder), grouped convolutions (depthwise and pointwise) and one-dimensional kernels;
    - projections of attention and gates, whose output goes into a product;
    - branches that are added to something non-linear.
    """
    maps = {op.index: op for op in graph.ops if op.layer is not None and _is_map(op)}
    found: list[tuple[str, str]] = []
    for op in maps.values():
        for first in _affine_sources(graph, op, maps):
            pair = _Pair(first, op, modules, bare)
            if not pair.deliberate and not _weighs(graph, op) and not _joins(graph, first, op):
                found.append(pair.names)
    return tuple(dict.fromkeys(found))


def _is_map(op: Op) -> bool:
    # a bare parameter carries the name of the operation, and an embedding is no map of values
    return op.name in MAPS or (op.role is Role.LAYER and op.name in _BARE_MAPS)


def _is_affine(op: Op) -> bool:
    return op.role in AFFINE_ROLES or op.name in _AFFINE_NORM_NAMES or op.role is Role.ADD


def _affine_sources(graph: OpGraph, op: Op, maps: Mapping[int, Op]) -> list[Op]:
    """The one map whose values, and no others, reach `op` through affine operations only.

    Several maps are a sum of branches: a residual stream, or a linear recurrence.
    """
    sources = [met for met in _walk_back(graph, op.inputs) if not _is_affine(met)]
    return sources if len(sources) == 1 and sources[0].index in maps else []


def _walk_back(graph: OpGraph, start: tuple[int, ...]) -> list[Op]:
    return _closure(start, lambda i: graph.ops[i].inputs if _is_affine(graph.ops[i]) else (), graph)


def _walk_ahead(graph: OpGraph, op: Op) -> list[Op]:
    start = tuple(user.index for user in graph.consumers[op.index])
    return _closure(
        start,
        lambda i: tuple(u.index for u in graph.consumers[i]) if _is_affine(graph.ops[i]) else (),
        graph,
    )


def _closure(
    start: tuple[int, ...], onward: Callable[[int], tuple[int, ...]], graph: OpGraph
) -> list[Op]:
    seen: dict[int, None] = {}
    waiting = list(start)
    while waiting:
        index = waiting.pop()
        if index not in seen:
            seen[index] = None
            waiting.extend(onward(index))
    return [graph.ops[index] for index in seen]


def _weighs(graph: OpGraph, op: Op) -> bool:
    """Whether the output goes into a product: an attention projection, or one side of a gate."""
    return any(met.role is Role.PRODUCT for met in _walk_ahead(graph, op))


def _joins(graph: OpGraph, first: Op, second: Op) -> bool:
    """Whether the first's output, or the second's, is added to something non-linear made from it.

    So is the stream of a residual net, from which each block branches off.
    """
    ahead = (*_walk_ahead(graph, first), *_walk_ahead(graph, second))
    sums = (met for met in ahead if met.role is Role.ADD)
    return any(_bends(graph, first.index, index) for met in sums for index in met.inputs)


def _bends(graph: OpGraph, start: int, end: int) -> bool:
    """Whether something non-linear lies on a way from `start` to `end`."""
    return any(
        not _is_affine(op) and not _is_map(op)
        for op in graph.ops[start + 1 : end + 1]
        if graph.leads_to(start, op.index) and graph.leads_to(op.index, end)
    )


class _Pair:
    """Two maps of which the second follows the first."""

    def __init__(
        self,
        first: Op,
        second: Op,
        modules: Mapping[str, nn.Module],
        bare: Mapping[str, BareLayer],
    ) -> None:
        self._ops = (first, second)
        self._modules = modules
        self._bare = bare
        self.names = (first.layer or "", second.layer or "")

    @property
    def deliberate(self) -> bool:
        """Whether people build such a pair on purpose."""
        first, second = (self._modules.get(name) for name in self.names)
        return (
            self._is_narrow(first, second)
            or (_grouped(first) or _grouped(second))
            or (_thin(first) and _thin(second))
            or _shares_weight(first, second)
        )

    def _is_narrow(self, first: nn.Module | None, second: nn.Module | None) -> bool:
        before, after = self._width(0, first), self._width(1, second)
        return before is not None and after is not None and before[1] < min(before[0], after[1])

    def _width(self, place: int, module: nn.Module | None) -> tuple[int, int] | None:
        if isinstance(module, nn.Linear):
            return module.in_features, module.out_features
        if module is not None and hasattr(module, "in_channels"):
            convolution: Any = module
            return convolution.in_channels, convolution.out_channels
        layer = self._bare.get(self._ops[place].layer or "")
        return layer.fans if layer else None


def _grouped(module: Any) -> bool:
    return getattr(module, "groups", 1) > 1


def _thin(module: Any) -> bool:
    """Whether a convolution's kernel is a line, as in 1 x k followed by k x 1."""
    kernel = getattr(module, "kernel_size", None)
    is_convolution = type(module).__name__ in (*CONVOLUTIONS, *TRANSPOSED)
    return (
        is_convolution
        and isinstance(kernel, tuple)
        and len(kernel) > 1
        and (min(kernel) == 1 < max(kernel))
    )


def _shares_weight(first: Any, second: Any) -> bool:
    if first is None or second is None or first is second:
        return False
    weights = (getattr(first, "weight", None), getattr(second, "weight", None))
    return weights[0] is not None and weights[0] is weights[1]
