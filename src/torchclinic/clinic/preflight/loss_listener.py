"""Hear which loss function of torch is called, and with which tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from torchclinic.core.facts import LossKind
from torchclinic.training import loss_kind


@dataclass(frozen=True)
class HeardLoss:
    """A call of one of torch's loss functions.

    Attributes:
        kind: Which.
        name: Its name.
        output: The tensor that entered it as prediction.
        target: What it was compared with.
        ignored: Class number that stands for "no target" (`ignore_index`), None without one.
    """

    kind: LossKind
    name: str
    output: Tensor
    target: Tensor | None
    ignored: int | None = None


class LossListener(TorchFunctionMode):
    """Inside it, the calls of torch's loss functions are noted, however they are wrapped.

    So is the first difference of a prediction and a target that spreads each over all rows.

    Attributes:
        heard: The calls.
        spread: Prediction and target of that difference; None without one.

    >>> import torch
    >>> with LossListener() as listener:
    ...     _ = torch.nn.MSELoss()(torch.zeros(2), torch.ones(2))
    >>> listener.heard[0].kind
    'mse'
    """

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[HeardLoss] = []
        self.spread: tuple[Tensor, Tensor] | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Pass the call on; note it when it is a loss."""
        kwargs = kwargs or {}
        kind = loss_kind(func)
        if kind != "custom":
            output = args[0] if args else kwargs.get("input")
            target = args[1] if len(args) > 1 else kwargs.get("target")
            if isinstance(output, Tensor):
                found = target if isinstance(target, Tensor) else None
                ignored = kwargs.get("ignore_index")
                self.heard.append(HeardLoss(kind, func.__name__, output, found, ignored))
        elif func in _SUBTRACTIONS and self.spread is None and len(args) > 1:
            self.spread = _spread(args[0], args[1])
        return func(*args, **kwargs)


_SUBTRACTIONS = (torch.sub, Tensor.sub, Tensor.__sub__, Tensor.__rsub__, torch.subtract)


def _spread(one: Any, other: Any) -> tuple[Tensor, Tensor] | None:
    """A prediction (N, 1) and a target (N,), either way round, whose difference is (N, N)."""
    if not (isinstance(one, Tensor) and isinstance(other, Tensor)):
        return None
    if one.requires_grad is other.requires_grad:
        return None  # differences of predictions, or of data, are somebody's intention
    output, target = (one, other) if one.requires_grad else (other, one)
    shapes = {tuple(output.shape), tuple(target.shape)}
    rows = max(output.numel(), target.numel())
    return (output, target) if rows > 1 and shapes == {(rows, 1), (rows,)} else None
