"""What the page of a diagnosis shows."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from torchclinic.core import Diagnosis, LRRange, RecipeFacts, Run
from torchclinic.render.html.curve_panels import CurvePanel, curve_panels
from torchclinic.render.html.figures.rates import drawable, rates
from torchclinic.render.html.findings import FindingView, finding_views
from torchclinic.render.html.layer_panels import LayerPanel, diagnosis_source, layer_panels
from torchclinic.render.story import checked_sentence, level_counts, rate_sentence
from torchclinic.render.words import number, plural, printable, sentence


@dataclass(frozen=True)
class RateView:
    """The LR range test: its finding, its curve, its suggestions."""

    title: str
    figure: Markup | None
    seeds: str
    whose: str


@dataclass(frozen=True)
class DiagnosisView:
    """Everything that the template of a diagnosis needs, ready to print."""

    name: str
    healthy: bool
    headline: str
    findings: tuple[FindingView, ...]
    counts: str
    checked: str
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    seconds: float
    curves: tuple[CurvePanel, ...]
    layers: tuple[LayerPanel, ...]
    rate: RateView | None
    recipe: tuple[tuple[str, str], ...]


def diagnosis_view(diagnosis: Diagnosis, *, columns: int, rows: int) -> DiagnosisView:
    """The view of a diagnosis at a given detail."""
    case = diagnosis.case
    runs = [] if case.history is None else [Run(diagnosis.name, 0, case.history)]
    return DiagnosisView(
        printable(diagnosis.name),
        diagnosis.healthy,
        _headline(diagnosis),
        finding_views(diagnosis),
        level_counts(diagnosis),
        checked_sentence(diagnosis),
        tuple((code, printable(why)) for code, why in diagnosis.skipped.items()),
        tuple(sentence(printable(note)) for note in diagnosis.notes),
        diagnosis.seconds,
        curve_panels(runs, []),
        layer_panels(diagnosis_source(diagnosis), None, columns=columns, rows=rows),
        rate_view(case.lr_range),
        recipe_words(case.recipe),
    )


def _headline(diagnosis: Diagnosis) -> str:
    root = diagnosis.root
    if root is None:
        return "No error and no warning"
    where = f" in {root.layers[0]}" if root.layers else ""
    rule = root.rule.replace("-", " ")
    return printable(f"{rule[:1].upper()}{rule[1:]}{where}")


def rate_view(lr_range: LRRange | None, whose: str = "") -> RateView | None:
    """The view of an LR range test (of `whose` recipe, in words); None without one."""
    if lr_range is None:
        return None
    title = rate_sentence(lr_range)
    figure = rates(lr_range, title) if drawable(lr_range) else None
    return RateView(title, figure, plural(lr_range.seeds, "seed"), whose)


def recipe_words(facts: RecipeFacts | None) -> tuple[tuple[str, str], ...]:
    """The recipe in short: what trains what, how, on how much."""
    if facts is None:
        return ()
    rates_ = ", ".join(number(rate) for rate in facts.optimizer.learning_rates[:4])
    model = facts.model
    found = {
        "model": f"{plural(len(model.layers), 'layer')} with {model.parameters:,} parameters",
        "loss": facts.loss,
        "optimizer": f"{facts.optimizer.name}, learning rate {rates_ or 'unknown'}",
        "schedule": facts.schedule or "",
        "batch size": "" if facts.batch_size is None else f"{facts.batch_size:,}",
        "training rows": "" if facts.train_rows is None else f"{facts.train_rows:,}",
        "steps": "" if facts.planned_steps is None else f"{facts.planned_steps:,}",
        "metric": facts.metric or "",
        "penalties": ", ".join(facts.penalties),
    }
    return tuple((name, printable(value)) for name, value in found.items() if value)
