"""Linear warm-up of the learning rate as a factory that knows the length of the training."""

from __future__ import annotations

from dataclasses import dataclass

from torchclinic.core import UsageError
from torchclinic.optim.shape import Shape

START = 0.01  # of the full learning rate, at the first step


@dataclass(frozen=True)
class WarmUp(Shape):
    """The learning rate rises linearly to its full value over the first part of the training.

    lr(t) = lr * (start + (1 - start) * min(t / w, 1)),  w = max(1, round(share * total_steps))

    An instance is a `factory(optimizer, total_steps)` as `torchclinic.core.Schedule` wants it; it
    can be pickled, and so can the scheduler's state.

    Args:
        share: Part of all steps that the warm-up takes, 0 to 1.
        start: Share of the learning rate at the first step, above 0.

    Raises:
        UsageError: On values out of range.

    Source: Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 2.2, arXiv 1706.02677.

    >>> WarmUp(share=0.1).factor(5, total_steps=100)
    0.505
    """

    share: float = 0.05
    start: float = START

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or not 0 < self.start <= 1:
            raise UsageError(f"{self!r} is no warm-up", hint="0 <= share <= 1 and 0 < start <= 1")

    def steps(self, total_steps: int) -> int:
        """Steps until the full learning rate.

        >>> WarmUp(share=0.05).steps(1000)
        50
        """
        return max(1, round(self.share * total_steps))

    def factor(self, step: int, total_steps: int) -> float:
        """Share of the full learning rate at `step`, counted from 0."""
        progress = min(step / self.steps(total_steps), 1.0)
        return self.start + (1 - self.start) * progress
