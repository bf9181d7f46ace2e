"""The numbers of each step: loss and learning rates."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from torchclinic.core.trace import LEARNING_RATE, LOSS, Series
from torchclinic.watch.scalars import ScalarSeries

_CHUNK = 128  # steps that wait in a plain list


class StepSeries:
    """Collects loss and learning rates; adding is one tuple in a list.

    Args:
        limit: Most values of a series.

    >>> series = StepSeries(limit=100)
    >>> series.add(1, 0.5, [0.1])
    >>> {name: found.values for name, found in series.series().items()}
    {'loss': (0.5,), 'learning_rate': (0.1,)}
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._steps: list[int] = []  # these wait, with what is known of them
        self._losses: list[float | Tensor | None] = []
        self._rates: list[Sequence[float | Tensor | None]] = []
        self._series: dict[str, ScalarSeries] = {}
        self._changing: bool | None = None  # whether rates are tensors, which change in place

    def add(
        self, step: int, loss: float | Tensor | None, rates: Sequence[float | Tensor | None]
    ) -> None:
        """Add a step: its loss, and the learning rate of each group, where there are any."""
        self._steps.append(step)
        self._losses.append(loss)
        self._rates.append(rates)
        if self._changing is None:
            self._changing = any(isinstance(rate, Tensor) for rate in rates)
        if self._changing or len(self._steps) >= _CHUNK:
            self._sort()

    def series(self) -> dict[str, Series]:
        """Name -> series; learning rates of further groups as "learning_rate/1" and so on."""
        self._sort()
        return {name: series.series() for name, series in self._series.items()}

    def _sort(self) -> None:
        """Move what waits into the series."""
        steps, losses, rates = self._steps, self._losses, self._rates
        self._steps, self._losses, self._rates = [], [], []
        self._extend(LOSS, steps, losses)
        for number in range(max(map(len, rates), default=0)):  # groups may be added in training
            name = f"{LEARNING_RATE}/{number}" if number else LEARNING_RATE
            found = [_copy(r[number]) if number < len(r) else None for r in rates]
            self._extend(name, steps, found)

    def _extend(
        self, name: str, steps: Sequence[int], values: Sequence[float | Tensor | None]
    ) -> None:
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            steps = [step for step, v in zip(steps, values, strict=True) if v is not None]
        if known:
            self._of(name).extend(steps, known)

    def _of(self, name: str) -> ScalarSeries:
        series = self._series.get(name)
        if series is None:
            series = self._series[name] = ScalarSeries(self._limit)
        return series


def _copy(rate: float | Tensor | None) -> float | Tensor | None:
    """A rate that does not change any more."""
    return rate.detach().clone() if isinstance(rate, Tensor) else rate
