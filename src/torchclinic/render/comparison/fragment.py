"""A study for a notebook: inline styles only, so that nothing leaks into the page around it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from torchclinic.core import StudyComparison, StudyResult
from torchclinic.render.comparison.arms import ArmView, arm_views
from torchclinic.render.comparison.forest import (
    SIGNS,
    differences,
    gain_decimals,
    gain_words,
    interval_words,
    p_words,
)
from torchclinic.render.comparison.seed_scores import trouble
from torchclinic.render.comparison.story import facts, headline, said
from torchclinic.render.html.scales import Scale, fitted, raised
from torchclinic.render.html.svg import join, percent, tag
from torchclinic.render.numbers import finite
from torchclinic.render.words import decimals_for, number, plural, printable, score

# Readable on white and on black: a notebook's theme is unknown.
TONES = {"settled": "#1f9d73", "open": "#b08a17", "single": "#2f8fd0"}
JUDGED = {"better": "#1f9d73", "worse": "#d9692b", "inconclusive": "#808890"}
DOT = "#2f8fd0"
SOFT = "opacity:.72"
LINE = "border-top:1px solid rgba(128,128,128,.3)"
MOST_ROWS, MOST_SENTENCES = 20, 4


def render_study_html(result: StudyResult) -> str:
    """The study as a fragment for a notebook.

    Args:
        result: What came of it.

    Returns:
        One `div` with inline styles, no script and no style element.

    >>> "Nothing was measured" in render_study_html(StudyResult("s", (), (), "loss", False))
    True
    """
    found = headline(result)
    parts = [_head(found.word, TONES[found.tone], found.says)]
    parts += [_p(words) for words in found.rest[:MOST_SENTENCES]]
    arms = arm_views(result)
    if result.rows:
        parts.append(_table(result, arms))
    parts += [
        _p(words, SOFT)
        for words in (*said(result, result.power)[:2], *said(result, result.notes)[:2])
    ]
    told = ", ".join(words for _, words in facts(result))
    parts.append(_p(f'{told}. Report: study.report("compare.html")', SOFT))
    style = (
        "max-width:860px;font:14px/1.5 system-ui,sans-serif;padding:14px 16px;"
        "border:1px solid rgba(128,128,128,.35);border-radius:10px;overflow-wrap:anywhere"
    )
    return str(tag("div", *parts, style=style))


def _head(word: str, color: str, says: str) -> Markup:
    chip = (
        f"display:inline-block;background:{color};color:#fff;font-weight:600;"
        "border-radius:99px;padding:1px 12px;margin-right:10px"
    )
    text = tag("b", says, style="font-size:16px")
    return tag("p", tag("span", word, style=chip), text, style="margin:0")


def _p(words: str, style: str = "") -> Markup:
    return tag("p", words, style=f"margin:8px 0 0;{style}")


def _table(result: StudyResult, arms: Sequence[ArmView]) -> Markup:
    """One row an arm: its seeds drawn, its mean, its difference from the baseline."""
    compared = {one.after: one for one in differences(result, result.baseline)}
    scale = _scale(result)
    decimals = decimals_for([view.mean for view in arms])
    gains = gain_decimals(result.against_baseline)
    interval = f"{number(100 * result.confidence)} % interval"
    names = (
        "arm",
        f"{printable(result.metric)} of each seed",
        "mean",
        f"against baseline, {interval}",
    )
    heads = [
        tag("th", name, style=f"text-align:left;font-weight:400;padding:3px 10px 3px 0;{SOFT}")
        for name in names
    ]
    rows = [_row(result, view, compared, scale, decimals, gains) for view in arms[:MOST_ROWS]]
    table = tag(
        "table",
        tag("thead", tag("tr", *heads)),
        tag("tbody", *rows),
        style="border-collapse:collapse;margin:12px 0 0;width:100%;font-size:13px",
    )
    if len(arms) <= MOST_ROWS:
        return table
    more = _p(f"and {plural(len(arms) - MOST_ROWS, 'more arm')} in the report", SOFT)
    return join([table, more])


def _scale(result: StudyResult) -> Scale:
    scores = finite(run.score for run in result.runs)
    return fitted(scores, log=None if min(scores, default=0) > 0 else False)


def _row(
    result: StudyResult,
    view: ArmView,
    compared: Mapping[str, StudyComparison],
    scale: Scale,
    decimals: int | None,
    gains: int | None,
) -> Markup:
    cell = f"padding:3px 10px 3px 0;{LINE};text-align:left;font-weight:400"
    name = [tag("b" if view.best else "span", view.name)]
    words = "; ".join(filter(None, (view.badge, trouble(view))))
    if words:
        name.append(tag("span", f" ({words})", style=SOFT))
    mean = raised(score(view.mean, decimals)) if math.isfinite(view.mean) else "–"
    one = compared.get(view.arm.name)
    return tag(
        "tr",
        tag("th", *name, style=cell),
        tag("td", _dots(result, view, scale), style=f"{cell};width:34%"),
        tag("td", mean, style=f"{cell};white-space:nowrap"),
        tag("td", *([] if one is None else [_against(one, gains)]), style=cell),
    )


def _dots(result: StudyResult, view: ArmView, scale: Scale) -> Markup:
    scores = finite(run.score for run in result.runs if run.arm == view.arm.name)
    drawn = [
        tag("circle", cx=percent(scale.clamped(v)), cy="50%", r=3, fill=DOT, fill_opacity="0.6")
        for v in scores
    ]
    if math.isfinite(view.mean):
        at = percent(scale.clamped(view.mean))
        drawn.append(tag("line", x1=at, x2=at, y1="15%", y2="85%", stroke=DOT, stroke_width=3))
    words = f"{plural(len(scores), 'seed')} of {view.name}"
    style = "overflow:visible;display:block"
    return tag("svg", *drawn, width="100%", height="18", role="img", aria_label=words, style=style)


def _against(one: StudyComparison, decimals: int | None) -> Markup:
    sign = tag(
        "b",
        f"{SIGNS[one.judgement]} {one.judgement}",
        style=f"color:{JUDGED[one.judgement]}",
    )
    numbers = (
        f" {gain_words(one.comparison.mean_difference, decimals)} "
        f"{interval_words(one, decimals)}, p {raised(p_words(one.holm_p))}"
    )
    return join([sign, tag("span", numbers)])
