"""What the page of a repair shows."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from torchclinic.core import AppliedChange, Outcome, Repair
from torchclinic.render import arms
from torchclinic.render.html.curve_panels import CurvePanel, curve_panels
from torchclinic.render.html.diagnosis_view import RateView, rate_view, recipe_words
from torchclinic.render.html.figures.pairs import difference, pairs
from torchclinic.render.html.figures.search import search
from torchclinic.render.html.findings import FindingView, finding_views
from torchclinic.render.html.layer_panels import LayerPanel, layer_panels, repair_sources
from torchclinic.render.html.scales import raised
from torchclinic.render.story import (
    OUTCOME_WORDS,
    change,
    checked_sentence,
    cost_sentence,
    diverged_sentence,
    headline,
    interval_sentence,
    seeds_sentence,
)
from torchclinic.render.words import plural, printable, seconds, sentence


@dataclass(frozen=True)
class Numbers:
    """The judged number of both sides, large on the page."""

    metric: str
    before: str
    after: str


@dataclass(frozen=True)
class ProofView:
    """The paired comparison."""

    title: str
    interval: str
    pairs: Markup
    difference: Markup


@dataclass(frozen=True)
class CostPart:
    """One part of the cost bar."""

    name: str
    words: str
    share: float


@dataclass(frozen=True)
class RepairView:
    """Everything that the template of a repair needs, ready to print."""

    name: str
    data: str
    outcome: Outcome
    word: str
    headline: str
    sentence: str
    numbers: Numbers | None
    facts: tuple[tuple[str, str], ...]
    judged_on: str
    curves: tuple[CurvePanel, ...]
    proof: ProofView | None
    layers: tuple[LayerPanel, ...]
    findings: tuple[FindingView, ...]
    checked: str
    notes: tuple[str, ...]
    search_title: str
    search: Markup | None
    search_note: str
    changes: tuple[AppliedChange, ...]
    patch: str
    rate: RateView | None
    remaining: tuple[FindingView, ...] | None
    cost: tuple[CostPart, ...]
    cost_sentence: str
    environment: tuple[tuple[str, str], ...]
    recipe: tuple[tuple[str, str], ...]
    command: str


def repair_view(repair: Repair, *, columns: int, rows: int) -> RepairView:
    """The view of a repair at a given detail."""
    found = change(repair)
    tried = repair.arms
    return RepairView(
        name=printable(repair.name),
        data=printable(repair.data),
        outcome=repair.verdict.outcome,
        word=OUTCOME_WORDS[repair.verdict.outcome],
        headline=printable(headline(repair)),
        sentence=sentence(printable(repair.verdict.sentence).replace(" -> ", " → ")),
        numbers=Numbers(
            printable(found.metric),
            raised(found.text(found.before)),
            raised(found.text(found.after)),
        )
        if found is not None and found.before and found.after
        else None,
        facts=_facts(repair),
        judged_on=printable(repair.judged_on),
        curves=curve_panels(repair.before, repair.after),
        proof=_proof(repair),
        layers=layer_panels(*repair_sources(repair), columns=columns, rows=rows),
        findings=finding_views(repair.diagnosis),
        checked=checked_sentence(repair.diagnosis),
        notes=tuple(sentence(printable(note)) for note in repair.diagnosis.notes),
        search_title=printable(arms.title(repair)) if tried else "",
        search=search(repair, arms.title(repair)) if tried else None,
        search_note=_search_note(repair),
        changes=repair.changes,
        patch=repair.patch.rstrip("\n"),
        rate=_rate(repair),
        remaining=None if repair.remaining is None else finding_views(repair.remaining),
        cost=_cost(repair),
        cost_sentence=cost_sentence(repair.cost),
        environment=tuple((printable(k), printable(v)) for k, v in repair.environment.items()),
        recipe=recipe_words(repair.diagnosis.case.recipe),
        command=repair.command,
    )


def _facts(repair: Repair) -> tuple[tuple[str, str], ...]:
    """The key facts under the verdict."""
    found: list[tuple[str, str]] = []
    root = repair.diagnosis.root
    if root is not None:
        where = f" in {root.layers[0]}" if root.layers else ""
        found.append(("root cause", printable(f"{root.rule.replace('-', ' ')}{where}")))
    if repair.changes:
        found.append(("what repairs it", " + ".join(c.title for c in repair.changes)))
    comparison = repair.verdict.comparison
    if comparison is not None:
        found.append(("paired seeds", seeds_sentence(comparison).lower()))
    total = _seconds(repair)
    if total:
        found.append(("it took", seconds(total)))
    return tuple((name, printable(words)) for name, words in found)


def _proof(repair: Repair) -> ProofView | None:
    comparison = repair.verdict.comparison
    if comparison is None:
        return None
    title = seeds_sentence(comparison)
    lost = diverged_sentence(comparison)
    return ProofView(
        title,
        raised(interval_sentence(comparison)) + (f"; {lost}" if lost else ""),
        pairs(comparison, title),
        difference(comparison),
    )


def _rate(repair: Repair) -> RateView | None:
    if repair.lr_range is not None:
        return rate_view(repair.lr_range, "of the repaired recipe" if repair.changes else "")
    return rate_view(repair.diagnosis.case.lr_range)


def _search_note(repair: Repair) -> str:
    if not repair.arms:
        return ""
    tried = sum(arm.kind == "candidate" for arm in repair.arms)
    return f"{plural(tried, 'candidate')}, {arms.search_size(repair.arms)}"


def _seconds(repair: Repair) -> float:
    cost = repair.cost
    return cost.diagnosis_seconds + cost.search_seconds + cost.proof_seconds


def _cost(repair: Repair) -> tuple[CostPart, ...]:
    total = _seconds(repair)
    parts = (
        ("diagnosis", repair.cost.diagnosis_seconds),
        ("search", repair.cost.search_seconds),
        ("proof", repair.cost.proof_seconds),
    )
    return tuple(CostPart(n, seconds(s), s / total) for n, s in parts if total and s)
