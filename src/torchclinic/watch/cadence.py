"""Cadence: when to read, so that watching stays within its share of the training's time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import ceil
from statistics import median

_WINDOW = 15  # steps over which a time is a median: other programs must not count as our cost
# Part of the budget that is planned with: a reading also pushes the training out of the caches,
# which no clock inside the hooks sees.
_AIM = 0.7
_MOST_IN_A_ROW = 7  # read steps, then one bare step, so that the bare time stays known
_LONGEST_WAIT = 64  # bare steps until the plan is made anew
# What the hooks of a bare step cost outside of themselves: the calls and the tapped backward pass.
_CALL_SECONDS = 4.5e-6
_MOST_BEYOND = 1.5  # largest believed ratio of a reading's whole cost to the time inside hooks


class Cadence:
    """Decides which steps are read.

    With `every`, steps 1, 1 + every, 1 + 2 every, ... With a budget, steps 1, 2, 4, 8, ... and
    besides as often as the cost so far, and the expected cost of one more reading, stay below
    0.7 x budget x time of the bare steps so far.

    Args:
        budget: Share of the training's time.
        every: Fixed distance between readings; None to keep to the budget.

    Attributes:
        spent: Seconds that watching has cost.
        bare_total: Seconds that the training would have taken without it.
        bare_step: Seconds of a step without watching, as measured so far.
        reading: Seconds that a reading adds, as measured so far.

    >>> cadence = Cadence(0.03, every=10)
    >>> cadence.next_reading(1), cadence.next_reading(15)
    (11, 21)
    """

    def __init__(self, budget: float, every: int | None = None) -> None:
        self.budget = budget
        self.every = every
        self.spent = 0.0
        self.bare_total = 0.0
        self.bare_step = 0.0
        self.reading = 0.0
        self._idle = 0.0
        self._bare: deque[float] = deque(maxlen=_WINDOW)
        self._read: deque[float] = deque(maxlen=_WINDOW)
        self._inside: deque[float] = deque(maxlen=_WINDOW)
        self._later: deque[float] = deque(maxlen=_WINDOW)
        self._until_estimate = 0
        self._in_a_row = 0

    @property
    def share(self) -> float:
        """Cost so far over the time of the bare steps so far."""
        return self.spent / self.bare_total if self.bare_total > 0 else 0.0

    def bare(self, steps: Iterable[tuple[float | None, float]]) -> None:
        """Steps that were not read.

        Args:
            steps: For each the seconds since the step before ended (None if unknown), and the
                seconds of it that were spent in hooks.
        """
        inside: list[float] = []
        for interval, seconds in steps:
            inside.append(seconds)
            if interval is not None:
                self._bare.append(max(interval - seconds - _CALL_SECONDS, 0.0))
        self._idle = median(inside) + _CALL_SECONDS
        self.spent += len(inside) * self._idle
        if self._bare:
            self.bare_step = median(self._bare)
        self.bare_total += len(inside) * self.bare_step

    def read(self, interval: float | None, inside: float) -> None:
        """A step that was read; arguments as for one of `bare`."""
        first = not self._inside
        self._inside.append(inside)
        if interval is not None:
            self._read.append(interval)
        self._until_estimate -= 1
        if self._until_estimate <= 0 or len(self._inside) < _WINDOW:
            self._until_estimate = _WINDOW
            later = median(self._later) if self._later else 0.0
            self.reading = self._beyond_inside() * median(self._inside) + later
        self.spent += inside if first else self.reading
        if self.bare_step or interval is None:
            self.bare_total += self.bare_step
        else:
            self.bare_total += max(interval - inside, 0.0)

    def read_later(self, seconds: float, readings: int) -> None:
        """What was held of several readings has been read, in so many seconds."""
        self._later.append(seconds / readings)

    def next_reading(self, step: int) -> int:
        """The step to read next, or at which to ask again, when `step` steps have ended."""
        if self.every is not None:
            return step + 1 + -step % self.every
        early = 1 << step.bit_length() if step else 1
        return min(early, step + self._wait())

    def is_due(self, step: int) -> bool:
        """Whether the step that comes, number `step`, is to be read."""
        if self.every is not None:
            return (step - 1) % self.every == 0
        early = step & (step - 1) == 0
        due = early or (self._in_a_row < _MOST_IN_A_ROW and self._missing() <= 0)
        self._in_a_row = self._in_a_row + 1 if due else 0
        return due

    def _missing(self) -> float:
        """Seconds that must yet be earned for one more reading."""
        return self.spent + self.reading - _AIM * self.budget * self.bare_total

    def _wait(self) -> int:
        """Steps until one more reading is affordable."""
        missing = self._missing()
        earned = _AIM * self.budget * self.bare_step - self._idle
        if missing <= 0:
            return 1
        if earned * _LONGEST_WAIT <= missing:
            return _LONGEST_WAIT
        return 1 + ceil(missing / earned)

    def _beyond_inside(self) -> float:
        """What a reading costs in all, over the time that is spent inside hooks; 1 to 1.5.

        The difference between read and bare steps sees all that a reading costs but drowns in the
        noise of long steps; the time inside hooks is exact but misses the rest (the calls, what is
        pushed out of the caches). So: the difference of medians, held within bounds.
        """
        inside = median(self._inside)
        if not self._read or not self.bare_step or inside <= 0:
            return 1.0
        difference = median(self._read) - self.bare_step
        return min(max(difference / inside, 1.0), _MOST_BEYOND)
