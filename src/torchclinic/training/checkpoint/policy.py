"""Where checkpoints go, and how often."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from torchclinic.core import UsageError

EVERY_SECONDS = 30.0  # work that a killed run loses at most


@dataclass(frozen=True)
class Checkpoints:
    """Where checkpoints of a run go, and how often they are written.

    Attributes:
        path: The file; the one before is kept beside it.
        seconds: Seconds between two, or None.
        steps: Updates between two, or None.

    Raises:
        UsageError: On intervals that are not above 0.
    """

    path: Path
    seconds: float | None = EVERY_SECONDS
    steps: int | None = None

    def __post_init__(self) -> None:
        for name in ("seconds", "steps"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"checkpoints every {value!r} {name}", hint="a number above 0")


class Due:
    """Tells when the next checkpoint is due.

    >>> due = Due(Checkpoints(Path("run"), seconds=None, steps=10))
    >>> due(5), due(10)
    (False, True)
    """

    def __init__(self, policy: Checkpoints) -> None:
        self._policy = policy
        self._last = time.monotonic()

    def __call__(self, step: int) -> bool:
        """Whether one is due after `step` updates."""
        policy = self._policy
        if policy.steps is not None and step % policy.steps == 0:
            return True
        return policy.seconds is not None and time.monotonic() - self._last >= policy.seconds

    def written(self) -> None:
        """Start the clock anew."""
        self._last = time.monotonic()
