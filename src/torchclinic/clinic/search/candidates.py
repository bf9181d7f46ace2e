"""Candidates: recipes changed by the remedies that the findings name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torchclinic.clinic.preflight import batch_facts, recipe_facts
from torchclinic.clinic.search.budget import Budget
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import Case
from torchclinic.core.finding import Diagnosis, Finding, Level, Stage
from torchclinic.core.recipe import Recipe
from torchclinic.core.remedy import Applicability, Change, NotApplicable
from torchclinic.engine.threads import single_thread
from torchclinic.remedies import REMEDIES
from torchclinic.study import lr_range_test

LR = "learning-rate"
RANGE_STEPS = 100  # rates tried for a candidate: a factor of 1.2 between neighbours


@dataclass(frozen=True)
class Candidate:
    """A changed recipe.

    Attributes:
        remedies: Names of the remedies applied, in order.
        recipe: The result.
        changes: What was applied, ready to be applied to the same recipe on other data.
        priority: Smaller is preferred among equals: place of its first remedy in the findings.
    """

    remedies: tuple[str, ...]
    recipe: Recipe
    priority: int = 0
    changes: tuple[Change, ...] = ()

    def on(self, recipe: Recipe) -> Recipe:
        """The same changes on `recipe`, which differs from the searched one in its data."""
        for change in self.changes:
            recipe = change.apply(recipe)
        return recipe

    @property
    def name(self) -> str:
        """For tables.

        >>> Candidate(("batch-norm", "learning-rate"), None).name
        'batch-norm + learning-rate'
        """
        return " + ".join(self.remedies) if self.remedies else "unchanged"


class Workshop:
    """Applies remedies by name and keeps the facts of each changed recipe fresh.

    Args:
        case: Facts of the faulty recipe.
        budget: Pays for the LR range tests.
        seed: Of the models that are built to look at a changed recipe.
    """

    def __init__(self, case: Case, budget: Budget, seed: int) -> None:
        self._case = case
        self._budget = budget
        self._seed = seed
        self.refused: dict[str, str] = {}

    def extend(self, base: Candidate, remedy: str, priority: int | None = None) -> Candidate | None:
        """`base` with one remedy more; None when it does not fit (see `refused`)."""
        if remedy in base.remedies or remedy not in REMEDIES:
            return None
        member = REMEDIES[remedy]
        if member.applicability is Applicability.DISPLAY_ONLY:
            return None
        try:
            with single_thread():
                case = self._facts(base, fresh_range=member.needs_lr_range)
                change = member.plan(base.recipe, case)
                if isinstance(change, NotApplicable):
                    self.refused[remedy] = change.reason
                    return None
                recipe = change.apply(base.recipe)
                recipe_facts(recipe, self._seed)  # builds the model: surgery that fails, fails here
        except TorchclinicError as error:
            self.refused[remedy] = str(error)
            return None
        rank = base.priority if priority is None else priority
        return Candidate((*base.remedies, remedy), recipe, rank, (*base.changes, change))

    def extend_all(self, base: Candidate, remedies: Iterable[str]) -> Candidate:
        """`base` with every remedy that fits."""
        for remedy in remedies:
            base = self.extend(base, remedy) or base
        return base

    def _facts(self, base: Candidate, *, fresh_range: bool) -> Case:
        if not base.remedies:
            return self._case
        case = dataclasses.replace(
            self._case,
            recipe=recipe_facts(base.recipe, self._seed),
            batch=batch_facts(base.recipe, self._seed),
            lr_range=None,
        )
        if not fresh_range or not self._budget.affords_range(RANGE_STEPS):
            return case
        curve = lr_range_test(base.recipe, seeds=1, steps=RANGE_STEPS)
        self._budget.spend_on_range(len(curve.learning_rates))
        return dataclasses.replace(case, lr_range=curve)


def suggested(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Names of all remedies that the findings name, root causes first, without repetition."""
    names: dict[str, None] = {}
    for finding in flatten(diagnosis.findings):
        if finding.level is not Level.INFO:
            names.update(dict.fromkeys(finding.remedies))
    return tuple(name for name in names if name in REMEDIES)


def certain(diagnosis: Diagnosis) -> tuple[str, ...]:
    """First remedy of each finding that is a plain mistake: in the data or the wiring."""
    names: dict[str, None] = {}
    for finding in diagnosis.findings:
        if finding.stage in (Stage.DATA, Stage.WIRING) and finding.level is not Level.INFO:
            names.update(dict.fromkeys(finding.remedies[:1]))
    return tuple(name for name in names if name in REMEDIES)


def flatten(findings: Sequence[Finding]) -> Iterable[Finding]:
    """Roots, then their consequences, all the way down."""
    yield from findings
    for finding in findings:
        yield from flatten(finding.consequences)
