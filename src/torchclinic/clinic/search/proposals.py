"""Which candidates the search tries: remedies alone, with a new rate, joined, or at random."""

from __future__ import annotations

import random
from collections.abc import Sequence

from torchclinic.clinic.search.candidates import (
    LR,
    Candidate,
    Workshop,
    certain,
    flatten,
    suggested,
)
from torchclinic.core.finding import Diagnosis
from torchclinic.remedies import REMEDIES

MOST_SINGLES = 7
WRONG_RATE = frozenset({"LRN101", "LRN102", "GRD101"})
OPTIMIZER_REMEDIES = frozenset({LR, "adamw", "momentum"})


class Proposals:
    """Makes candidates of what a diagnosis names.

    Args:
        base: The unchanged recipe.
        diagnosis: What the rules said of it.
        workshop: Builds candidates.
    """

    def __init__(self, base: Candidate, diagnosis: Diagnosis, workshop: Workshop) -> None:
        self._base = base
        self._diagnosis = diagnosis
        self._workshop = workshop
        self._certain = certain(diagnosis)
        self._suggested = suggested(diagnosis)

    def singles(self) -> list[Candidate]:
        """The mistakes corrected; each further remedy on top, alone and with a new rate."""
        base = self._workshop.extend_all(self._base, self._certain)
        found: list[Candidate | None] = [base] if base.remedies else []
        if base.remedies:
            found.append(self._workshop.extend(base, LR, priority=0))
        wanted = [name for name in self._suggested if name not in base.remedies]
        alone, rated = [], []
        for rank, name in enumerate(wanted[:MOST_SINGLES]):
            single = self._workshop.extend(base, name, priority=rank + 1)
            alone.append(single)
            if single is not None and name not in OPTIMIZER_REMEDIES:
                rated.append(self._workshop.extend(single, LR))
        first, second = (rated, alone) if self._rate_matters() else (alone, rated)
        return [candidate for candidate in (*found, *first, *second) if candidate is not None]

    def combinations(self, best: Sequence[Candidate]) -> list[Candidate]:
        """The best one joined with each remedy of the others."""
        leader = best[0]
        others = dict.fromkeys(name for candidate in best[1:] for name in candidate.remedies)
        joined = [
            self._workshop.extend(leader, name)
            for name in (*others, "adamw")
            if not (name in OPTIMIZER_REMEDIES and OPTIMIZER_REMEDIES & set(leader.remedies))
        ]
        return [candidate for candidate in joined if candidate is not None]

    def at_random(self, size: int, seed: int) -> Candidate | None:
        """So many remedies that no finding names, drawn at random; None if none fits."""
        named = {*self._certain, *self._suggested}
        names = [name for name in REMEDIES if name not in named]
        random.Random(seed).shuffle(names)  # noqa: S311
        candidate = self._base
        for name in names:
            if len(candidate.remedies) == size:
                break
            candidate = self._workshop.extend(candidate, name) or candidate
        return candidate if candidate.remedies else None

    def _rate_matters(self) -> bool:
        """Whether updates have the wrong size: a change alone then shows little at first."""
        return any(finding.code in WRONG_RATE for finding in flatten(self._diagnosis.findings))
