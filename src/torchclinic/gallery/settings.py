"""How an experiment is to be run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from torchclinic.core import UsageError

if TYPE_CHECKING:
    from torchclinic.engine import Progress

T = TypeVar("T")
FULL_SEEDS, FAST_SEEDS = 5, 3
Tell = Callable[[float, str], None]


def mute(share: float, what: str) -> None:
    """Tell nobody."""
    del share, what


@dataclass(frozen=True)
class Settings:
    """How an experiment is to be run.

    Attributes:
        data: "digits", which are embedded, or "mnist".
        seeds: How many; None for 5, or 3 when it is to be fast.
        fast: Whether pictures matter more than narrow intervals: smaller, shorter, fewer seeds.
        out: Folder that gets a folder for each experiment.
        tell: `tell(share, what)`: how far the experiment is, 0 to 1, and what it does now.

    Raises:
        UsageError: For other data, or fewer than one seed.

    >>> Settings(fast=True).runs, Settings(seeds=2).runs
    ((0, 1, 2), (0, 1))
    """

    data: Literal["digits", "mnist"] = "digits"
    seeds: int | None = None
    fast: bool = False
    out: Path = Path("torchclinic-gallery")
    tell: Tell = mute

    def __post_init__(self) -> None:
        if self.data not in ("digits", "mnist"):
            raise UsageError(f"there is no data {self.data!r}", hint="digits or mnist")
        if self.seeds is not None and self.seeds < 1:
            raise UsageError(f"seeds is {self.seeds}", hint="1 or more")

    @property
    def runs(self) -> tuple[int, ...]:
        """The seeds."""
        default = FAST_SEEDS if self.fast else FULL_SEEDS
        return tuple(range(default if self.seeds is None else self.seeds))

    def pick(self, full: T, fast: T) -> T:
        """`fast` if it is to be fast, else `full`."""
        return fast if self.fast else full

    def part(self, what: str, start: float = 0.0, end: float = 1.0) -> Callable[[Progress], None]:
        """For `run_arms(progress=...)`: its progress as the share from `start` to `end`."""

        def told(progress: Progress) -> None:
            done = progress.done / progress.total if progress.total else 1.0
            self.tell(start + (end - start) * done, what)

        return told
