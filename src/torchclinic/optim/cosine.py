"""Cosine decay of the learning rate, after a warm-up if one is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torchclinic.core import UsageError
from torchclinic.optim.warm_up import WarmUp


@dataclass(frozen=True)
class CosineDecay(WarmUp):
    """The learning rate falls along half a cosine from its full value to `floor` times it.

    lr(t) = lr * (floor + (1 - floor) * (1 + cos(pi * (t - w) / (total_steps - w))) / 2)

    after w steps of linear warm-up. Without a warm-up (`share` of 0) it starts at the full value.

    Args:
        share: Part of all steps that a warm-up takes, 0 for none.
        start: Share of the learning rate at the first step of the warm-up.
        floor: Share of the learning rate at the end, 0 to 1.

    Raises:
        UsageError: On values out of range.

    Source: Loshchilov and Hutter 2017, "SGDR", equation 5, arXiv 1608.03983.

    >>> [round(CosineDecay().factor(step, 100), 3) for step in (0, 50, 100)]
    [1.0, 0.5, 0.0]
    """

    share: float = 0.0
    floor: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.floor <= 1:
            raise UsageError(f"floor is {self.floor}", hint="a share of the learning rate, 0 to 1")

    def steps(self, total_steps: int) -> int:
        """Steps of the warm-up, 0 without one."""
        return super().steps(total_steps) if self.share > 0 else 0

    def factor(self, step: int, total_steps: int) -> float:
        """Share of the full learning rate at `step`, counted from 0; the floor beyond the end."""
        warm_up = self.steps(total_steps)
        if step < warm_up:
            return super().factor(step, total_steps)
        progress = min((step - warm_up) / max(total_steps - warm_up, 1), 1.0)
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * progress)) / 2
