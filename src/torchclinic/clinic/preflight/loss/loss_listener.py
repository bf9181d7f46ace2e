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


@dataclass(frozen=True)
class NamedLoss:
    """A call of any of torch's loss functions, by its name.

    Attributes:
        name: Of the function ("kl_div").
        output: What entered it first.
        target: What it was compared with, None without.
        log_input: Its option of that name; None without one.
        variance: What it is given for a variance; None without one.
    """

    name: str
    output: Tensor
    target: Tensor | None
    log_input: bool | None = None
    variance: Tensor | None = None


class LossListener(TorchFunctionMode):
    """Inside it, the calls of torch's loss functions are noted, however they are wrapped.

    So is the first difference of a prediction and a target that spreads each over all rows.

    Attributes:
        heard: The calls.
        spread: Prediction and target of that difference; None without one.
        named: The first call of a loss function that is none of the known kinds, or is a hinge.

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
        self.named: NamedLoss | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Pass the call on; note it when it is a loss."""
        kwargs = kwargs or {}
        kind = loss_kind(func)
        if self.named is None and getattr(func, "__name__", "") in _NAMED:
            self.named = _named(func, args, kwargs)
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


_NAMED = {  # the place of the target among the arguments
    "kl_div": 1,
    "poisson_nll_loss": 1,
    "gaussian_nll_loss": 1,
    "soft_margin_loss": 1,
    "hinge_embedding_loss": 1,
    "margin_ranking_loss": 2,
    "cosine_embedding_loss": 2,
}


def _named(func: Any, args: Any, kwargs: Any) -> NamedLoss | None:
    name, place = func.__name__, _NAMED[func.__name__]
    output = args[0] if args else kwargs.get("input", kwargs.get("input1"))
    target = args[place] if len(args) > place else kwargs.get("target")
    if not isinstance(output, Tensor):
        return None
    log_input = variance = None
    if name == "poisson_nll_loss":
        log_input = bool(args[2] if len(args) > 2 else kwargs.get("log_input", True))
    if name == "gaussian_nll_loss":
        variance = args[2] if len(args) > 2 else kwargs.get("var")
    wanted = target if isinstance(target, Tensor) else None
    spread = variance if isinstance(variance, Tensor) else None
    return NamedLoss(name, output, wanted, log_input, spread)


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
