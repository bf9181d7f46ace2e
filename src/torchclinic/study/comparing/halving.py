"""Successive halving: short runs of many arms choose the few that get the full study."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from torchclinic.core import Recipe, UsageError
from torchclinic.study.comparing.runner import Job, Runner, Runs
from torchclinic.study.judged import Judged
from torchclinic.training import planned_steps

OWN_SEEDS = 1_000_000  # rounds use seeds from here on: the final runs must not be what chose them


@dataclass(frozen=True)
class Halving:
    """How arms are thinned out before the study proper.

    Each round runs the arms that are left for `factor` times as many updates as the round before,
    and keeps the best 1 / `factor` of them. The baseline is always kept. The rounds have seeds of
    their own, so that the tests on the final runs are as honest as without halving.

    Attributes:
        factor: By how much arms shrink and runs grow from round to round.
        finalists: Arms that are left for the study proper, the baseline included.
        seeds: Seeds of each round.

    Raises:
        UsageError: On a factor below 2, fewer than 2 finalists or no seed.

    Source:
        Jamieson and Talwalkar (2016), arXiv:1502.07943.

    >>> Halving(factor=3, finalists=3).sizes(20)
    (20, 7, 3)
    """

    factor: int = 3
    finalists: int = 4
    seeds: int = 2

    def __post_init__(self) -> None:
        for name, least in (("factor", 2), ("finalists", 2), ("seeds", 1)):
            if getattr(self, name) < least:
                raise UsageError(
                    f"halving has {name}={getattr(self, name)!r}", hint=f"{least} or more"
                )

    @classmethod
    def of(cls, wanted: Halving | bool | int | None) -> Halving | None:
        """From what `halving=` was given: True, a number of finalists, or all of it."""
        if wanted is None or wanted is False or isinstance(wanted, Halving):
            return wanted or None
        if wanted is True:
            return cls()
        if isinstance(wanted, int):
            return cls(finalists=wanted)
        raise UsageError(
            f"halving is {wanted!r:.60}", hint="True, a number of finalists, Halving()"
        )

    def sizes(self, arms: int) -> tuple[int, ...]:
        """Arms in each round, and at last the finalists."""
        sizes = [arms]
        while sizes[-1] > self.finalists:
            sizes.append(max(self.finalists, math.ceil(sizes[-1] / self.factor)))
        return tuple(sizes)


@dataclass(frozen=True)
class Chosen:
    """What halving left.

    Attributes:
        arms: Names of the finalists, in the order given.
        dropped: Name of a dropped arm -> why.
        rounds: What was done, in sentences.
        steps: Updates that it took.
    """

    arms: tuple[str, ...]
    dropped: Mapping[str, str] = field(default_factory=dict[str, str])
    rounds: tuple[str, ...] = ()
    steps: int = 0


def choose(
    halving: Halving,
    recipes: Mapping[str, Recipe],
    *,
    baseline: str,
    judged: Judged,
    runner: Runner,
    max_steps: int | None,
) -> Chosen:
    """Run the rounds.

    Args:
        halving: How.
        recipes: Name -> recipe.
        baseline: Is never dropped.
        judged: By what arms are chosen.
        runner: Makes the runs.
        max_steps: Updates of a final run; None for the full length.

    Raises:
        UsageError: When the length of a training is not known.
    """
    sizes = halving.sizes(len(recipes))
    full = _full_steps(recipes, max_steps)
    left = tuple(recipes)
    dropped: dict[str, str] = {}
    rounds: list[str] = []
    spent = 0
    seeds = tuple(range(OWN_SEEDS, OWN_SEEDS + halving.seeds))
    for number, size in enumerate(sizes[1:], start=1):
        steps = max(1, math.ceil(full / halving.factor ** (len(sizes) - number)))
        job = Job(f"halving {number}", {arm: recipes[arm] for arm in left}, seeds, steps)
        spent += steps * len(left) * len(seeds)
        kept = _best(runner.run(job), size, baseline=baseline, judged=judged)
        for arm in left:
            if arm not in kept:
                dropped[arm] = f"dropped in round {number} of halving, after {steps} updates"
        rounds.append(
            f"halving {number}: {len(left)} arms ran {steps} updates on {halving.seeds} seeds of "
            f"their own, {len(kept)} went on"
        )
        left = kept
    return Chosen(left, dropped, tuple(rounds), spent)


def _best(runs: Runs, size: int, *, baseline: str, judged: Judged) -> tuple[str, ...]:
    """The best arms by their mean score, the baseline among them, in the order given."""
    keys = {
        arm: _key([r.run and judged.score(r.run.history) for r in found], judged)
        for arm, found in runs.items()
    }
    ranked = sorted((arm for arm in runs if arm != baseline), key=lambda arm: -keys[arm])
    kept = {baseline, *ranked[: size - 1]}
    return tuple(arm for arm in runs if arm in kept)


def _key(scores: Sequence[float | None], judged: Judged) -> float:
    """Larger is better; -inf where a run failed or diverged."""
    finite = [score for score in scores if score is not None and math.isfinite(score)]
    if len(finite) < len(scores) or not finite:
        return -math.inf
    return fmean(finite) if judged.higher_is_better else -fmean(finite)


def _full_steps(recipes: Mapping[str, Recipe], max_steps: int | None) -> int:
    known = [planned_steps(recipe) for recipe in recipes.values()]
    full = min((steps for steps in known if steps is not None), default=max_steps)
    if full is None:
        raise UsageError(
            "halving needs to know how long a training is, and the data does not say",
            hint="give steps= in the recipe, or max_steps=",
        )
    return full if max_steps is None else min(full, max_steps)
