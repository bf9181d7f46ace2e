"""The score of every run: a row an arm, a dot a seed."""

from __future__ import annotations

import math

from markupsafe import Markup

from torchclinic.core import StudyResult, StudyRun
from torchclinic.render.comparison.arms import ArmView
from torchclinic.render.html.figures.strips import Axis, Mark, Row, strips
from torchclinic.render.html.scales import Scale, fitted, raised, widened
from torchclinic.render.numbers import finite
from torchclinic.render.words import decimals_for, number, printable, score


def seed_scores(result: StudyResult, views: tuple[ArmView, ...]) -> Markup:
    """Dots for the seeds, a tick for their mean, a bar for its interval."""
    runs: dict[str, list[StudyRun]] = {}
    for run in result.runs:
        runs.setdefault(run.arm, []).append(run)
    scores = finite(run.score for run in result.runs)
    decimals = decimals_for(scores)
    percent = number(100 * result.confidence)
    return strips(
        [_row(view, runs.get(view.arm.name, []), decimals) for view in views],
        Axis(_scale(scores), f"{printable(result.metric)} of each seed"),
        title=f"{result.metric} of each run, mean of each arm with its {percent} % interval",
        head="arm",
        columns=("mean", f"{percent} % interval"),
        height=30,
    )


def _scale(scores: list[float]) -> Scale:
    return widened(fitted(scores, log=None if min(scores, default=0) > 0 else False), 0.01)


def _row(view: ArmView, runs: list[StudyRun], decimals: int | None) -> Row:
    row = view.row
    marks: list[Mark] = []
    if row is not None and math.isfinite(row.low) and math.isfinite(row.high):
        marks.append(Mark("range", row.low, f"wide {view.style}", row.high))
    marks += [
        Mark("small", run.score, view.style, tip=f"seed {run.seed}: {score(run.score, decimals)}")
        for run in runs
        if run.score is not None
    ]
    marks.append(Mark("tick", view.mean, view.style))
    known = row is not None and math.isfinite(row.low)
    return Row(
        view.name,
        tuple(marks),
        (
            raised(score(view.mean, decimals)) if math.isfinite(view.mean) else "–",
            f"[{_end(row.low, decimals)}, {_end(row.high, decimals)}]" if row and known else "–",
        ),
        sub=trouble(view),
        tip=view.name,
        badge=view.badge,
        class_=view.key,
    )


def _end(value: float, decimals: int | None) -> str:
    return raised(score(value, decimals))


def trouble(view: ArmView) -> str:
    """Runs without a score, in words.

    >>> from torchclinic.core import StudyArm, StudyRow
    >>> row = StudyRow("a", 7, 0.5, 0.5, 0.4, 0.6, 0.1, 2.0, diverged=2, missing=1)
    >>> trouble(ArmView(0, StudyArm("a"), row, best=False))
    '2 diverged, 1 not run'
    """
    if view.row is None:
        return ""
    counts = {
        "diverged": view.row.diverged,
        "failed": view.row.failed,
        "not run": view.row.missing,
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)
