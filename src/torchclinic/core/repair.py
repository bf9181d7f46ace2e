"""Repair: a diagnosis, what was tried, what works, and the proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torchclinic.core.applied_change import AppliedChange
from torchclinic.core.extensions import call
from torchclinic.core.finding import Diagnosis
from torchclinic.core.history import Run
from torchclinic.core.lr_range import LRRange
from torchclinic.core.recipe import Recipe
from torchclinic.core.verdict import Verdict


@dataclass(frozen=True)
class ArmResult:
    """One arm of the search.

    Attributes:
        name: Short name ("he-init + lr").
        kind: "faulty" (unchanged), "candidate", or a control: "random" or "re-run".
        changes: What it does to the recipe.
        scores: Score of each seed on the search split (metric, or loss).
        curve: (step, median score over the seeds).
        steps: Updates each seed was given.
        seconds: Wall time in all.
        chosen: Whether it went into the proof.
        note: Why it was dropped, or what failed.
    """

    name: str
    kind: Literal["faulty", "candidate", "random", "re-run"]
    changes: tuple[AppliedChange, ...] = ()
    scores: tuple[float, ...] = ()
    curve: tuple[tuple[int, float], ...] = ()
    steps: int = 0
    seconds: float = 0.0
    chosen: bool = False
    note: str = ""


@dataclass(frozen=True)
class Cost:
    """What a repair cost, in seconds and in multiples of one full training of the recipe."""

    budget: float
    search_trainings: float = 0.0
    proof_trainings: float = 0.0
    search_seconds: float = 0.0
    proof_seconds: float = 0.0
    diagnosis_seconds: float = 0.0
    training_seconds: float = 0.0


@dataclass(frozen=True)
class Repair:
    """The result of `torchclinic.repair`.

    Attributes:
        name: Name of the recipe.
        data: Name of the data set.
        diagnosis: What was wrong.
        verdict: How it ended.
        recipe: The repaired Recipe; the given one, unchanged, when healthy or not repaired.
        changes: What was done to it.
        patch: Code to paste, all changes together; empty when nothing changed.
        arms: What was tried in the search.
        before: Proof runs of the faulty recipe, one a seed; the first is watched.
        after: Proof runs of the repaired recipe, on the same seeds; the first is watched.
        remaining: Diagnosis of the repaired recipe; None if it was not made.
        lr_range: LR range curve of the repaired recipe (of the faulty one if nothing changed).
        cost: What it cost.
        judged_on: Which data the proof was judged on, in words.
        metric: What arms and proof were judged by; "" when nothing was run.
        higher_is_better: Direction of the metric.
        environment: Versions, processor, threads, seeds.
        command: How to reproduce it.
    """

    name: str
    data: str
    diagnosis: Diagnosis
    verdict: Verdict
    recipe: Recipe = field(repr=False)
    changes: tuple[AppliedChange, ...] = ()
    patch: str = ""
    arms: tuple[ArmResult, ...] = ()
    before: tuple[Run, ...] = field(default=(), repr=False)
    after: tuple[Run, ...] = field(default=(), repr=False)
    remaining: Diagnosis | None = field(default=None, repr=False)
    lr_range: LRRange | None = field(default=None, repr=False)
    cost: Cost = field(default_factory=lambda: Cost(budget=0.0))
    judged_on: str = ""
    metric: str = ""
    higher_is_better: bool = True
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    command: str = ""

    def __str__(self) -> str:
        return call("render_repair_text", self)

    def _repr_html_(self) -> str:
        return call("render_repair_html", self)

    def report(self, path: str) -> None:
        """Write the self-contained HTML report to `path`; OutputError if it cannot be written."""
        call("write_report", self, path)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON-ready values, by the published schema."""
        return call("repair_to_dict", self)
