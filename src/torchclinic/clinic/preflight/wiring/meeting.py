"""MeetingFacts: the line of a forward pass in which the rows of a batch meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from torchclinic.clinic.lines import present_line
from torchclinic.clinic.preflight.wiring.regrouped import prime_batches
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import MeetingFacts
from torchclinic.data.structure import tensors_of
from torchclinic.graph import undisturbed
from torchclinic.training import forward, seeded, split_batch

ELEMENTWISE = frozenset(
    {"add", "sub", "mul", "div", "true_divide", "rsub", "__rsub__", "pow", "maximum", "minimum"}
)
OVER_AN_AXIS = frozenset(
    {"softmax", "log_softmax", "mean", "sum", "max", "min", "amax", "amin", "logsumexp", "std"}
    | {"var", "norm", "cumsum", "sort"}
)


def meeting_facts(model: nn.Module, sample: Any) -> MeetingFacts | None:
    """The first line that spreads rows over rows, or runs over their axis, whatever their number.

    Args:
        model: Of which it is known that rows meet; it is left as it was.
        sample: Rows of the training data with their targets.
    """
    heard = [_heard(model, split_batch(batch)[0], rows) for rows, batch in prime_batches(sample)]
    if len(heard) < 2:
        return None
    return next((found for found in heard[0] if found in heard[1]), None)


def _heard(model: nn.Module, inputs: Any, rows: int) -> list[MeetingFacts]:
    listener = _RowListener(rows)
    with undisturbed(model), torch.no_grad(), seeded(0), listener:
        try:
            forward(model, inputs)
        except TorchclinicError:
            return listener.found  # up to there
    return listener.found


class _RowListener(TorchFunctionMode):
    """Notes operations in which rows meet, while it is entered.

    Args:
        rows: Their number, a prime that no axis of the inputs has.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows
        self.found: list[MeetingFacts] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        """Pass the call on, and note it where rows meet."""
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "").strip("_")
        given = [*tensors_of((args, kwargs))]
        if name in ELEMENTWISE and isinstance(result, Tensor) and self._spreads(given, result):
            self.found.append(MeetingFacts(present_line(), "spread"))
        elif name in OVER_AN_AXIS and given and self._over_rows(given[0], args, kwargs or {}):
            self.found.append(MeetingFacts(present_line(), name))
        return result

    def _spreads(self, given: list[Tensor], result: Tensor) -> bool:
        """Whether the rows stand twice in the result, and once in what it was made of."""
        return result.shape.count(self._rows) > 1 and all(
            tensor.shape.count(self._rows) == 1 for tensor in given
        )

    def _over_rows(self, tensor: Tensor, args: Any, kwargs: dict[str, Any]) -> bool:
        axes = set(_axes(args[1:2])) | set(_axes((kwargs.get("dim"), kwargs.get("axis"))))
        first = tensor.dim() > 1 and tensor.shape[0] == self._rows
        return first and bool(axes & {0, -tensor.dim()})


def _axes(given: Any) -> Iterator[int]:
    for axis in given:
        if isinstance(axis, tuple | list):
            yield from _axes(axis)
        elif isinstance(axis, int) and not isinstance(axis, bool):
            yield axis
