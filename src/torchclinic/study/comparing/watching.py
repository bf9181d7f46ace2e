"""Which runs of a study are watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torchclinic.core import UsageError
from torchclinic.watch import WatchOptions


@dataclass(frozen=True)
class Watched:
    """Which runs of a study are watched, and how.

    Watching changes no number of a run; it costs the share of its time that the options allow.

    Attributes:
        arms: Their names; None for all.
        seeds: The first so many seeds of each.
        options: Budget, statistics and layers.

    Raises:
        UsageError: On fewer than one seed.

    >>> Watched(("dropout",), seeds=2).options.budget
    0.03
    """

    arms: tuple[str, ...] | None = None
    seeds: int = 1
    options: WatchOptions = field(default_factory=WatchOptions)

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise UsageError(f"{self.seeds} seeds are watched", hint="1 or more, or watch=None")

    @classmethod
    def of(cls, wanted: Watched | WatchOptions | Sequence[str] | bool | None) -> Watched | None:
        """From what `watch=` was given: True, options, names of arms, or all of these.

        Raises:
            UsageError: On anything else.
        """
        if wanted is None or wanted is False or isinstance(wanted, Watched):
            return wanted or None
        if wanted is True:
            return cls()
        if isinstance(wanted, WatchOptions):
            return cls(options=wanted)
        if isinstance(wanted, str):
            return cls((wanted,))
        if isinstance(wanted, Sequence) and all(isinstance(name, str) for name in wanted):
            return cls(tuple(wanted))
        raise UsageError(
            f"watch is {wanted!r:.60}", hint="True, WatchOptions, names of arms, or Watched(...)"
        )

    def check(self, arms: Sequence[str]) -> None:
        """Insist that the arms are there."""
        for name in self.arms or ():
            if name not in arms:
                raise UsageError(
                    f"arm {name!r} is to be watched and is not there",
                    hint=f"one of {', '.join(arms)}",
                )

    def covers(self, arm: str, seed: int, seeds: Sequence[int]) -> bool:
        """Whether that run is watched."""
        return (self.arms is None or arm in self.arms) and seed in seeds[: self.seeds]
