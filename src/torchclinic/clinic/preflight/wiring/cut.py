"""CutFacts: how far back along a sequence the gradient of the outputs goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from torchclinic.clinic.lines import present_line
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import CutFacts, ReachFacts
from torchclinic.data.structure import map_tensors, rows_of, take_rows, tensors_of
from torchclinic.graph import undisturbed
from torchclinic.training import forward, seeded

ROWS = (7, 11)
LONGEST = 1000  # positions
FEW = 2  # positions with a gradient, up to which the others are looked at
MOVED = 1e-5  # of what exchanging whole rows changes: more than rounding
MAKES_FLOATS = frozenset({"embedding", "float", "double", "half", "to", "type", "type_as"})
CUTS = frozenset({"detach", "detach_", "numpy", "__array__", "item", "tolist"})
_DATA = Tensor.data.__get__  # pyright: ignore[reportAttributeAccessIssue]


def cut_facts(model: nn.Module, inputs: Any, reach: ReachFacts | None) -> CutFacts | None:
    """Which positions of the sequences get a gradient from the last of the outputs.

    Args:
        model: In training mode; it is left as it was.
        inputs: Rows, structured as the model takes them.
        reach: What of them its outputs hang on.

    Returns:
        None where there are no positions, where no position gets a gradient (whoever freezes all
        that reads them means to), or where it could not be told.
    """
    if reach is None or reach.axis != "positions" or not 2 < reach.size <= LONGEST:
        return None
    count = ROWS[0] if reach.size != ROWS[0] else ROWS[1]
    if (rows_of(inputs) or 0) < count:
        return None
    some = take_rows(inputs, torch.arange(count))
    with undisturbed(model), torch.enable_grad():
        try:
            tap, kept = _kept(model, some, reach.size)
            if kept is None or not bool(kept.any()):
                return None
            most = int(kept.sum(1).max())
            blocked = _blocked(model, some, kept, reach.starts) if most <= FEW else ()
        except (TorchclinicError, RuntimeError, ValueError, IndexError):
            return None  # rows that do not go together, or a gradient that cannot be had
    return CutFacts(reach.size, most, blocked, tap.line())


def _kept(model: nn.Module, inputs: Any, positions: int) -> tuple[_Tap, Tensor | None]:
    """Which positions of which rows get a gradient: (rows, positions)."""
    first = next(tensors_of(inputs))
    real = first.is_floating_point()
    leaf = first.detach().clone().requires_grad_() if real else first
    tap = _Tap(len(first))
    with tap:
        last = _last(model, _with_first(inputs, leaf), positions)
    taps = [leaf] if real else [made for calls in tap.made.values() for made in calls]
    if last is None or not last.requires_grad or not taps:
        return tap, None
    weights = torch.randn(last.shape, generator=torch.Generator().manual_seed(0)).to(last)
    gradients = torch.autograd.grad((last * weights).sum(), taps, allow_unused=True)
    marks = [
        torch.zeros(t.shape[:2]).bool() if g is None else _touched(g)
        for t, g in zip(taps, gradients, strict=True)
    ]
    return tap, marks[0] if real else _together(tap, marks, len(first), positions)


def _last(model: nn.Module, inputs: Any, positions: int) -> Tensor | None:
    """The output at the last position, or the whole output where it has none."""
    with seeded(0):
        out = next(tensors_of(forward(model, inputs)), None)
    if out is None:
        return None
    places = [axis for axis in range(1, out.dim()) if out.shape[axis] == positions]
    return out.select(places[0], positions - 1) if places else out


def _with_first(inputs: Any, given: Tensor) -> Any:
    first = next(tensors_of(inputs))
    return map_tensors(lambda t: given if t is first else t, inputs)


def _touched(gradient: Tensor) -> Tensor:
    """Where any number of a row, or of a position of a row, is not 0."""
    found = gradient.detach() != 0
    return found.flatten(2).any(2) if found.dim() > 2 else found


def _blocked(
    model: nn.Module, inputs: Any, kept: Tensor, starts: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """Parts without a gradient that move the last output when rows exchange them."""
    first = next(tensors_of(inputs))

    def moved(start: int, end: int) -> float:
        changed = first.clone()
        changed[:, start:end] = changed[:, start:end].roll(len(changed) // 2, 0)
        after = _last(model, _with_first(inputs, changed), first.shape[1])
        assert after is not None
        return float((after.double() - base).square().mean().sqrt())

    with torch.no_grad():
        found = _last(model, inputs, first.shape[1])
        assert found is not None
        base = found.double()
        least = MOVED * moved(0, first.shape[1])
        parts = zip(starts, (*starts[1:], first.shape[1]), strict=True)
        without = [(start, end) for start, end in parts if not bool(kept[:, start:end].any())]
        return tuple((start, end) for start, end in without if moved(start, end) > least)


def _together(tap: _Tap, marks: list[Tensor], rows: int, positions: int) -> Tensor | None:
    """Marks of what was made of the tokens, in whichever shape and in how many calls."""
    kept = torch.zeros(rows, positions, dtype=torch.bool)
    seen, waiting = False, iter(marks)
    for calls in tap.made.values():
        own = [next(waiting) for _ in calls]
        if len(own) == positions and all(t.dim() < 3 and len(t) == rows for t in calls):
            kept |= torch.stack([mark.reshape(rows, -1).any(1) for mark in own], 1)
            seen = True
            continue
        for mark in own:
            if mark.shape == (rows, positions):
                kept |= mark
                seen = True
            elif mark.shape == (positions, rows):
                kept |= mark.T
                seen = True
    return kept if seen else None


class _Tap(TorchFunctionMode):
    """Keeps what is made of tokens, and counts the lines that cut values off from the gradient.

    Attributes:
        made: What made it -> the real numbers that were made of whole ones, call by call.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows
        self._cuts: Counter[str] = Counter()
        self.made: dict[int, list[Tensor]] = {}

    def line(self) -> str:
        """The line that cuts most often; "" where none does."""
        return self._cuts.most_common(1)[0][0] if self._cuts else ""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        """Pass the call on, and keep what it makes of tokens."""
        result = func(*args, **(kwargs or {}))
        name, given = getattr(func, "__name__", ""), [*tensors_of((args, kwargs))]
        if self._cut(func, name, given, result):
            self._cuts[present_line()] += 1
        if name in MAKES_FLOATS and isinstance(result, Tensor) and result.is_floating_point():
            return self._keep(given, result)
        return result

    def _cut(self, func: Any, name: str, given: list[Tensor], result: Any) -> bool:
        if name == "requires_grad_" or not any(tensor.requires_grad for tensor in given):
            return False
        if name in CUTS or func == _DATA:
            return True
        made = next(tensors_of(result), None)
        return made is not None and made.is_floating_point() and not torch.is_grad_enabled()

    def _keep(self, given: list[Tensor], result: Tensor) -> Tensor:
        whole = next(
            (t for t in given if not t.is_floating_point() and t.dtype != torch.bool), None
        )
        if whole is None or self._rows not in whole.shape:
            return result
        kept = result if result.requires_grad else result.detach().requires_grad_()
        source = next((id(t) for t in given if t.is_floating_point()), 0)
        self.made.setdefault(source, []).append(kept)
        return kept
