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
        self._waiting: list[tuple[int, float | Tensor | None, Sequence[float | Tensor | None]]] = []
        self._series: dict[str, ScalarSeries] = {}
        self._changing: bool | None = None  # whether rates are tensors, which change in place

    def add(
        self, step: int, loss: float | Tensor | None, rates: Sequence[float | Tensor | None]
    ) -> None:
        """Add a step: its loss, and the learning rate of each group, where there are any."""
        waiting = self._waiting
        waiting.append((step, loss, rates))
        if self._changing is None:
            self._changing = any(isinstance(rate, Tensor) for rate in rates)
        if self._changing or len(waiting) >= _CHUNK:
            self._sort()

    def series(self) -> dict[str, Series]:
        """Name -> series; learning rates of further groups as "learning_rate/1" and so on."""
        self._sort()
        return {name: series.series() for name, series in self._series.items()}

    def _sort(self) -> None:
        waiting, self._waiting = self._waiting, []
        for step, loss, rates in waiting:
            if loss is not None:
                self._of(LOSS).add(step, loss)
            for number, rate in enumerate(rates):
                if rate is not None:
                    name = f"{LEARNING_RATE}/{number}" if number else LEARNING_RATE
                    value = rate.detach().clone() if isinstance(rate, Tensor) else rate
                    self._of(name).add(step, value)

    def _of(self, name: str) -> ScalarSeries:
        series = self._series.get(name)
        if series is None:
            series = self._series[name] = ScalarSeries(self._limit)
        return series
