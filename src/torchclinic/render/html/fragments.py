"""Compact HTML for notebooks: inline styles only, so that nothing leaks into the page around it."""

from __future__ import annotations

import math

from markupsafe import Markup

from torchclinic.core import Diagnosis, Finding, Level, Outcome, Repair
from torchclinic.render.html.scales import label, raised
from torchclinic.render.html.svg import join, percent, tag
from torchclinic.render.layers import Table, faulty_trace, labels, tables, traces
from torchclinic.render.numbers import finite, median
from torchclinic.render.story import (
    OUTCOME_WORDS,
    change,
    checked_sentence,
    cost_sentence,
    evidence_words,
    folded,
    headline,
    interval_sentence,
    level_counts,
    seeds_sentence,
)
from torchclinic.render.words import listing, printable, sentence, titled

# Readable on white and on black: a notebook's theme is unknown.
BEFORE, AFTER, GOOD, WARN = "#d9692b", "#2f8fd0", "#1f9d73", "#b08a17"
SOFT = "opacity:.72"
LEVELS = {Level.ERROR: BEFORE, Level.WARNING: WARN, Level.INFO: AFTER}
OUTCOMES = {
    Outcome.REPAIRED: GOOD,
    Outcome.HEALTHY: GOOD,
    Outcome.IMPROVED: AFTER,
    Outcome.INCONCLUSIVE: WARN,
    Outcome.NOT_REPAIRED: BEFORE,
}
MOST_LAYERS = 8
MOST_FINDINGS = 6
LABEL_COLUMNS = 22


def render_diagnosis_html(diagnosis: Diagnosis) -> str:
    """The diagnosis as a fragment for a notebook.

    Args:
        diagnosis: What was found.

    Returns:
        One `div` with inline styles, no script and no style element.

    >>> "no error and no warning" in render_diagnosis_html(Diagnosis(name="net"))
    True
    """
    if diagnosis.healthy:
        head = _head("Healthy", GOOD, f"{diagnosis.name}: no error and no warning")
    else:
        head = _head("Diagnosis", BEFORE, f"{diagnosis.name}: {level_counts(diagnosis)}")
    parts = [head]
    for place, finding in enumerate(diagnosis.findings[:MOST_FINDINGS]):
        parts.append(_finding(finding))
        shown = tables(faulty_trace(diagnosis), None)
        if place == 0 and shown and finding.stage.name in ("INITIALISATION", "NUMERICS"):
            parts.append(_layers(shown[0]))
    parts.append(tag("p", checked_sentence(diagnosis), style=f"margin:10px 0 0;{SOFT}"))
    return str(_box(parts))


def render_repair_html(repair: Repair) -> str:
    """The repair as a fragment for a notebook.

    Args:
        repair: What was found, tried and proven.

    Returns:
        One `div` with inline styles, no script and no style element.
    """
    verdict = repair.verdict
    parts = [_head(OUTCOME_WORDS[verdict.outcome], OUTCOMES[verdict.outcome], headline(repair))]
    if verdict.sentence:
        words = sentence(printable(verdict.sentence).replace(" -> ", " → "))
        parts.append(tag("p", words, style="margin:8px 0 0"))
    parts += _proof(repair)
    root = repair.diagnosis.root
    if root is not None:
        parts.append(_finding(root))
    shown = tables(*traces(repair))
    if shown:
        parts.append(_layers(shown[0]))
    if repair.patch.strip():
        parts.append(_code(repair))
    cost = f'Cost: {cost_sentence(repair.cost)}. Report: repair.report("report.html")'
    parts.append(tag("p", cost, style=f"margin:10px 0 0;{SOFT}"))
    return str(_box(parts))


def _box(parts: list[Markup]) -> Markup:
    style = (
        "max-width:760px;font:14px/1.5 system-ui,sans-serif;padding:14px 16px;"
        "border:1px solid rgba(128,128,128,.35);border-radius:10px;overflow-wrap:anywhere"
    )
    return tag("div", *parts, style=style)


def _head(word: str, color: str, says: str) -> Markup:
    chip = (
        f"display:inline-block;background:{color};color:#fff;font-weight:600;"
        "border-radius:99px;padding:1px 12px;margin-right:10px"
    )
    text = tag("b", printable(says), style="font-size:16px")
    return tag("p", tag("span", word, style=chip), text, style="margin:0")


def _finding(finding: Finding) -> Markup:
    color = LEVELS[finding.level]
    word = "note" if finding.level is Level.INFO else finding.level.value
    code = f"{word} {finding.code} {finding.rule.replace('-', ' ')}"
    lines = [
        tag("span", code, style=f"color:{color};font-weight:600"),
        tag("b", titled(printable(finding.title)), style="display:block"),
    ]
    if finding.level is not Level.INFO:
        lines.append(tag("span", printable(finding.explanation), style="display:block"))
        numbers = [f"{printable(e.statistic)}: {evidence_words(e)}" for e in finding.evidence[:3]]
        names = folded(finding)
        if names:
            numbers.append(f"explains: {listing(names)}")
        lines += [tag("span", raised(n), style=f"display:block;{SOFT}") for n in numbers]
    return tag("div", *lines, style="margin:12px 0 0")


def _proof(repair: Repair) -> list[Markup]:
    comparison = repair.verdict.comparison
    if comparison is None:
        return []
    words = f"{seeds_sentence(comparison)}: {interval_sentence(comparison)}."
    found = change(repair)
    assert found is not None
    every = finite((*found.before, *found.after))
    low, high = min([0.0, *every]), max([*every, 0.0]) or 1.0
    rows = [_dots(arm, getattr(found, arm), low, high) for arm in ("before", "after")]
    return [
        tag("p", words, style=f"margin:4px 0 6px;{SOFT}"),
        _table(rows),
    ]


def _table(rows: list[Markup]) -> Markup:
    style = "width:100%;border-collapse:collapse;margin:0;color:inherit;font:inherit"
    return tag("table", *rows, style=style)


def _dots(arm: str, values: tuple[float, ...], low: float, high: float) -> Markup:
    color = BEFORE if arm == "before" else AFTER
    span = (high - low) or 1.0
    circles = [
        tag("circle", cx=percent((v - low) / span), cy="50%", r=4, fill=color, fill_opacity="0.55")
        for v in finite(values)
    ]
    return _row(arm, circles, label(median(values)))


def _row(name: str, marks: list[Markup], value: str, tip: str = "") -> Markup:
    line = tag("line", x1="0", x2="100%", y1="50%", y2="50%", stroke="#888", stroke_opacity="0.3")
    drawn = tag(
        "svg", line, *marks, width="100%", height=18, style="display:block;overflow:visible"
    )
    cell = "border:0;background:none;color:inherit;font:inherit;padding:1px 8px;"
    return tag(
        "tr",
        tag("td", name, style=f"{cell}text-align:left;width:170px", title=tip or None),
        tag("td", drawn, style=cell),
        tag("td", value, style=f"{cell}text-align:right;width:90px"),
        style="background:none",
    )


def _layers(shown: Table) -> Markup:
    arm = "before" if shown.has("before") else "after"
    values = shown.typical(arm)
    names = list(values)
    called = labels([printable(name) for name in names], LABEL_COLUMNS)
    if len(names) > MOST_LAYERS:
        places = [round(i * (len(names) - 1) / (MOST_LAYERS - 1)) for i in range(MOST_LAYERS)]
    else:
        places = list(range(len(names)))
    share = _shares(shown, [values[name] for name in names])
    rows = [
        _row(called[i], [_bar(share[i])], label(values[names[i]]), printable(names[i]))
        for i in places
    ]
    scale = ", log scale" if shown.statistic.log else ""
    head = tag("p", f"{shown.statistic.axis} by layer{scale}", style=f"margin:10px 0 2px;{SOFT}")
    return join([head, _table(rows)])


def _shares(shown: Table, values: list[float]) -> list[float]:
    if not shown.statistic.log:
        return [max(0.0, min(1.0, v)) for v in values]
    logs = [math.log10(v) for v in values if v > 0]
    low, high = (min(logs), max(logs)) if logs else (0.0, 1.0)
    span = (high - low) or 1.0
    return [(math.log10(v) - low) / span if v > 0 else 0.0 for v in values]


def _bar(share: float) -> Markup:
    return tag("rect", x="0", y="4", width=percent(max(0.006, share)), height=10, fill=BEFORE)


def _code(repair: Repair) -> Markup:
    style = (
        "margin:12px 0 0;padding:10px 12px;overflow-x:auto;background:rgba(128,128,128,.12);"
        "border-radius:8px;white-space:pre;font:12.5px/1.5 ui-monospace,monospace"
    )
    return tag("pre", repair.patch.strip("\n"), style=style)
