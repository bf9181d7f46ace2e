"""What was tried and what each arm gained: a dot a seed, controls with other marks."""

from __future__ import annotations

import math

from markupsafe import Markup

from torchclinic.core import Repair
from torchclinic.render.arms import Line, lines
from torchclinic.render.html.figures.strips import Axis, Mark, Row, strips
from torchclinic.render.html.scales import fitted, raised
from torchclinic.render.numbers import finite, median
from torchclinic.render.story import metric_name
from torchclinic.render.words import decimals_for, plural, score


def search(repair: Repair, title: str) -> Markup:
    """A row an arm, the candidates first; dashed: the unchanged recipe."""
    found = lines(repair)
    scores = finite(s for line in found for s in line.arm.scores)
    decimals = decimals_for(scores)
    base = median(s for line in found if line.arm.kind == "faulty" for s in line.arm.scores)
    return strips(
        [_row(line, decimals) for line in found],
        Axis(
            fitted(scores),
            f"{metric_name(repair)}; dashed: unchanged",
            reference=base if math.isfinite(base) else None,
        ),
        title=title,
        head="arm",
        columns=("median", "gain"),
        height=30,
    )


def _row(line: Line, decimals: int | None) -> Row:
    style = "control" if line.control else "after"
    kind = "ring" if line.control else "small"
    marks = [Mark(kind, s, style, tip=raised(score(s, decimals))) for s in line.arm.scores]
    if finite(line.arm.scores):
        marks.append(Mark("tick", line.score, style))
    lost = len(line.arm.scores) - len(finite(line.arm.scores))
    note = [line.arm.note] if line.arm.note else []
    if lost:
        note.append(f"{plural(lost, 'seed')} not finite")
    gain = score(line.gain, decimals) if math.isfinite(line.gain) else "–"
    return Row(
        line.arm.name if not line.control else line.kind,
        tuple(marks),
        (
            raised(score(line.score, decimals)) if math.isfinite(line.score) else "–",
            raised(("+" if line.gain > 0 else "") + gain),
        ),
        sub="; ".join(note) or (line.arm.name if _says_more(line) else ""),
        detail="; ".join(change.title for change in line.arm.changes),
        tip=line.arm.name,
        badge="chosen" if line.arm.chosen else "",
        class_="control" if line.control else "",
    )


def _says_more(line: Line) -> bool:
    """Whether the name of a control tells what its kind does not."""
    return line.arm.kind == "random" and line.arm.name not in line.kind
