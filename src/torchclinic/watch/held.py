"""Held: what was seen in a step, until it is read together with other steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from torchclinic.watch.columns import Row
from torchclinic.watch.seen import Seen


class Held:
    """What was seen in a step.

    Args:
        row: Where the numbers go.
        calls: One a layer.
        scale: What the loss, and so each gradient, was multiplied by; None for nothing.
    """

    __slots__ = ("calls", "row", "scale")

    def __init__(self, row: Row, calls: list[Seen], scale: Tensor | None = None) -> None:
        self.row = row
        self.calls = calls
        self.scale = scale

    def key(self) -> object:
        """Steps with the same key can be read together."""
        shapes = [(c.target, _shape(c.sample), _shape(c.gradient)) for c in self.calls]
        return (self.scale is None, *shapes)

    def is_like(self, other: Held) -> bool:
        """Whether the two can be read together: the same layers with the same shapes."""
        return (
            len(self.calls) == len(other.calls)
            and (self.scale is None) == (other.scale is None)
            and all(map(_are_alike, self.calls, other.calls))
        )

    def drop_overwritten(self) -> None:
        """Forget outputs that were kept by reference and have been written into after the step."""
        for call in self.calls:
            sample = call.sample
            if sample is not None and sample._version != call.version:
                call.sample = None
                call.target.overwritten_later = True


def alike(held: Sequence[Held]) -> Iterator[Sequence[Held]]:
    """Runs of steps that can be read together, in order."""
    start = 0
    for end in range(1, len(held) + 1):
        if end == len(held) or not held[start].is_like(held[end]):
            yield held[start:end]
            start = end


def _are_alike(a: Seen, b: Seen) -> bool:
    return (
        a.target is b.target
        and _shape(a.sample) == _shape(b.sample)
        and _shape(a.gradient) == _shape(b.gradient)
    )


def _shape(tensor: Tensor | None) -> object:
    return None if tensor is None else tensor.shape
