"""Series of one number a step, of bounded length, without waiting for a device at each step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torchclinic.core.trace import Series

_CHUNK = 256  # tensors that wait until they are fetched together


class ScalarSeries:
    """At most `limit` values: when full, every second one goes and only every second one comes.

    The first and the newest value are always there.

    Args:
        limit: Most values; at least 4.

    >>> series = ScalarSeries(limit=4)
    >>> for step in range(1, 11):
    ...     series.add(step, float(step))
    >>> series.series().steps
    (1, 9, 10)
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit - limit % 2 - 1  # odd, so that dropping keeps the newest
        self._steps: list[int] = []
        self._values: list[float | Tensor] = []
        self._fetched = 0
        self._stride = 1
        self._count = 0
        self._newest: tuple[int, float | Tensor] | None = None

    def add(self, step: int, value: float | Tensor) -> None:
        """Add the value of a step: a float, or a detached tensor with one element."""
        self.extend((step,), (value,))

    def extend(self, steps: Sequence[int], values: Sequence[float | Tensor]) -> None:
        """Add the values of several steps, the same as one after the other."""
        while steps:
            room = self._limit - len(self._values)
            kept = range(-self._count % self._stride, len(steps), self._stride)[:room]
            end = kept[-1] + 1 if len(kept) == room else len(steps)
            self._steps += [steps[place] for place in kept]
            self._values += [values[place] for place in kept]
            last_is_kept = bool(kept) and kept[-1] == end - 1
            self._newest = None if last_is_kept else (steps[end - 1], values[end - 1])
            self._count += end
            self._bound()
            steps, values = steps[end:], values[end:]

    def _bound(self) -> None:
        """Drop every second value if they are as many as may be; fetch those that wait."""
        if len(self._values) >= self._limit:
            self._fetch()
            self._steps = self._steps[::2]
            self._values = self._values[::2]
            self._fetched = len(self._values)
            self._stride *= 2
        elif len(self._values) - self._fetched >= _CHUNK:
            self._fetch()

    def series(self) -> Series:
        """All values so far."""
        self._fetch()
        steps, values = list(self._steps), [float(value) for value in self._values]
        if self._newest is not None:
            steps.append(self._newest[0])
            values.append(float(self._newest[1]))
        return Series(tuple(steps), tuple(values))

    def _fetch(self) -> None:
        """Turn waiting tensors into floats, all at once."""
        waiting = self._values[self._fetched :]
        tensors = [value for value in waiting if isinstance(value, Tensor)]
        if tensors:
            found = iter(torch.stack([t.reshape(()) for t in tensors]).tolist())
            self._values[self._fetched :] = [
                next(found) if isinstance(value, Tensor) else value for value in waiting
            ]
        self._fetched = len(self._values)
