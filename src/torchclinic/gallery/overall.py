"""Overall: how far a run of several experiments is, each weighed by what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.sharedctypes import RawArray

from torchclinic.gallery.experiment import Experiment
from torchclinic.gallery.settings import Settings

NOT_BEGUN = -1.0
NAMED = 2  # experiments at work that are named


class Overall:
    """How far a run of several experiments is; processes forked later share it.

    Args:
        experiments: All that are to be run.
        settings: Whose `tell` is told.
    """

    def __init__(self, experiments: Sequence[Experiment], settings: Settings) -> None:
        self._experiments = tuple(experiments)
        self._settings = settings
        self._shares = RawArray("d", [NOT_BEGUN] * len(self._experiments))  # one writer each

    def begin(self, place: int, *, tells: bool) -> Settings:
        """Count an experiment as begun, and give it settings whose progress comes here.

        Args:
            place: Of the experiment.
            tells: Whether each word of it is told on; else only `tell` says anything.
        """
        name, total = self._experiments[place].name, len(self._experiments)

        def told(share: float, what: str) -> None:
            self._shares[place] = share
            if tells:
                self._settings.tell(self.share, f"{name} ({place + 1} of {total}): {what}")

        self._shares[place] = 0.0
        return replace(self._settings, tell=told)

    def finish(self, place: int) -> None:
        """Count an experiment as done, however it ended."""
        self._shares[place] = 1.0

    @property
    def share(self) -> float:
        """Share of the whole that is done, 0 to 1."""
        weights = [experiment.minutes for experiment in self._experiments]
        shares = (max(0.0, share) for share in self._shares)
        return sum(w * s for w, s in zip(weights, shares, strict=True)) / sum(weights)

    def tell(self) -> None:
        """Say how many are done, and which are at work."""
        both = list(zip(self._experiments, self._shares, strict=True))
        done = sum(share >= 1 for _, share in both)
        at_work = [experiment.name for experiment, share in both if 0 <= share < 1]
        more = f" and {len(at_work) - NAMED} more" if len(at_work) > NAMED else ""
        now = f"; now {', '.join(at_work[:NAMED])}{more}" if at_work else ""
        self._settings.tell(self.share, f"{done} of {len(both)} done{now}")
