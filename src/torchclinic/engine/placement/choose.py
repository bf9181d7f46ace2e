"""choose_engine: the fastest engine on this machine for a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torchclinic.core import Recipe
from torchclinic.engine.placement.placement import Placement


def choose_engine(
    arms: Mapping[str, Recipe],
    seeds: Sequence[int],
    *,
    max_steps: int | None = None,
    deadline: float | None = None,
    parallel: int | None = None,
) -> Placement:
    """The engine on which these runs are done soonest, and one line of why.

    Args:
        arms: Name -> recipe.
        seeds: The same for all arms.
        max_steps: Updates after which runs are cut short.
        deadline: Seconds that the study may take.
        parallel: Runs at a time; None for as many as there are cores.
    """
    budget = f"{max_steps=} {deadline=} {parallel=}"
    if len(arms) * len(seeds) < 2:
        return Placement("sequential", "one run has nothing to share")
    return Placement(
        "sequential", f"{len(arms)} arms x {len(seeds)} seeds, each run alone ({budget})"
    )
