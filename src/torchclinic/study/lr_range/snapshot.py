"""Everything that a few updates change in a live model and its optimizer, to be put back."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

_MARKS = ("_opt_called", "_step_count")  # by which a torch scheduler knows whether it was stepped


class Snapshot:
    """Puts a model and an optimizer back, bitwise and into the very same tensors, on exit.

    Weights, buffers, gradients, modes, `requires_grad`, and of the optimizer its state and the
    options of its groups.

    Args:
        model: The model.
        optimizer: Its optimizer; parameters of others that it holds are put back, too.

    >>> net = nn.Linear(1, 1)
    >>> before = net.weight.item()
    >>> with Snapshot(net, torch.optim.SGD(net.parameters(), lr=0.1)):
    ...     _ = nn.init.constant_(net.weight, 7.0)
    >>> net.weight.item() == before
    True
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        foreign = [p for group in optimizer.param_groups for p in group["params"]]
        held = [*model.parameters(), *model.buffers(), *foreign]
        self._tensors = list({id(tensor): tensor for tensor in held}.values())
        self._values = [tensor.detach().clone() for tensor in self._tensors]
        self._grads = [_kept(tensor.grad) for tensor in self._tensors]
        self._free = [tensor.requires_grad for tensor in self._tensors]
        self._modes = [(module, module.training) for module in model.modules()]
        self._state = {p: _kept(values) for p, values in optimizer.state.items()}
        self._groups = [_kept(dict(group)) for group in optimizer.param_groups]
        self._marks = {name: vars(optimizer)[name] for name in _MARKS if name in vars(optimizer)}

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.restore()

    def restore(self) -> None:
        """Put everything back."""
        _fill(self._tensors, self._values)
        for tensor, kept, free in zip(self._tensors, self._grads, self._free, strict=True):
            tensor.grad = _restored(kept)
            if tensor.is_leaf:
                tensor.requires_grad_(free)
        for module, training in self._modes:
            module.training = training
        self._optimizer.state.clear()
        self._optimizer.state.update({p: _restored(kept) for p, kept in self._state.items()})
        for group, kept in zip(self._optimizer.param_groups, self._groups, strict=True):
            group.clear()
            group.update(_restored(kept))
        for name in _MARKS:
            vars(self._optimizer).pop(name, None)
        vars(self._optimizer).update(self._marks)

    @contextmanager
    def as_it_was(self) -> Iterator[None]:
        """Inside, weights and buffers are those of the snapshot; afterwards what they are now."""
        now = [tensor.detach().clone() for tensor in self._tensors]
        _fill(self._tensors, self._values)
        try:
            yield
        finally:
            _fill(self._tensors, now)


class _Tensor:
    """A tensor with a copy of its value."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor, self.value = tensor, tensor.detach().clone()


def _kept(value: Any) -> Any:
    """Dicts and lists of their own, in which each tensor has a copy beside it."""
    if isinstance(value, Tensor):
        return value if isinstance(value, nn.Parameter) else _Tensor(value)
    if isinstance(value, dict):
        return {key: _kept(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_kept(item) for item in value]
    return copy.deepcopy(value)


def _restored(kept: Any) -> Any:
    """What was kept, in the same tensors; once more each time it is asked for."""
    if isinstance(kept, _Tensor):
        with torch.no_grad():
            if kept.tensor.is_sparse:
                return kept.value.clone()
            kept.tensor.data.copy_(kept.value)
        return kept.tensor
    if isinstance(kept, dict):
        return {key: _restored(item) for key, item in kept.items()}
    if isinstance(kept, list):
        return [_restored(item) for item in kept]
    return kept


def _fill(tensors: list[Tensor], values: list[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=True):
        tensor.data.copy_(value)
