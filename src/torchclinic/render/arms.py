"""The arms of the search, in the order in which a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torchclinic.core import ArmResult, Repair
from torchclinic.render.numbers import finite, median
from torchclinic.render.story import higher_is_better
from torchclinic.render.words import decimals_for, plural, score

KIND_WORDS = {
    "faulty": "unchanged",
    "candidate": "candidate",
    "random": "control: random remedy",
    "re-run": "control: plain re-run",
}


@dataclass(frozen=True)
class Line:
    """One arm as a line of a table.

    Attributes:
        arm: The arm.
        score: Median over its seeds; NaN when it has none.
        gain: What it gained over the unchanged arm; NaN when that is unknown.
        control: Whether it is no candidate.
    """

    arm: ArmResult
    score: float
    gain: float
    control: bool

    @property
    def kind(self) -> str:
        """What the arm is, in words."""
        return KIND_WORDS[self.arm.kind]


def lines(repair: Repair) -> tuple[Line, ...]:
    """Candidates, best first, then the controls, the unchanged recipe last."""
    better = higher_is_better(repair)
    base = median(s for arm in repair.arms if arm.kind == "faulty" for s in arm.scores)
    found = [_line(arm, base) for arm in repair.arms]
    last = -math.inf if better else math.inf

    def place(line: Line) -> tuple[int, bool, float]:
        group = 2 if line.arm.kind == "faulty" else int(line.control)
        value = line.score if math.isfinite(line.score) else last
        return group, not math.isfinite(line.score), -value if better else value

    return tuple(sorted(found, key=place))


def _line(arm: ArmResult, base: float) -> Line:
    middle = median(arm.scores)
    gain = math.nan if arm.kind == "faulty" else middle - base
    return Line(arm, middle, gain, arm.kind != "candidate")


def shortlist(found: Sequence[Line], limit: int) -> tuple[tuple[Line, ...], int]:
    """At most `limit` lines and how many are left out; controls and the chosen one stay."""
    must = [line for line in found if line.control or line.arm.chosen]
    room = max(0, limit - len(must))
    rest = [line for line in found if line not in must][:room]
    kept = tuple(line for line in found if line in must or line in rest)
    return kept, len(found) - len(kept)


def title(repair: Repair) -> str:
    """What the search found, as a title."""
    found = lines(repair)
    sign = 1 if higher_is_better(repair) else -1
    tried = [line for line in found if not line.control and math.isfinite(line.gain)]
    controls = finite(sign * line.gain for line in found if line.control)
    if not tried:
        return "No candidate could be tried"
    best = next((line for line in tried if line.arm.chosen), tried[0])
    decimals = decimals_for([line.gain for line in tried])
    against = f"; the best control {_gain(sign * max(controls), decimals)}" if controls else ""
    if sign * best.gain <= max([0.0, *controls]):
        return (
            f"None of {len(tried)} candidates gains more than {_gain(best.gain, decimals)}{against}"
        )
    return f"{best.arm.name} gains {_gain(best.gain, decimals)}{against}"


def _gain(value: float, decimals: int | None) -> str:
    return ("+" if value > 0 else "") + score(value, decimals)


def search_size(tried: Sequence[ArmResult]) -> str:
    """Seeds and steps of the arms, in words; a later round runs fewer arms for longer.

    >>> search_size([ArmResult("a", "candidate", scores=(0.1, 0.2), steps=300)])
    '2 seeds, 300 steps a run'
    """
    ran = [arm for arm in tried if arm.scores]
    if not ran:
        return "none of them ran"
    seeds, steps = {len(arm.scores) for arm in ran}, {arm.steps for arm in ran}
    prefix = "up to " if len(seeds) > 1 or len(steps) > 1 else ""
    return f"{prefix}{plural(max(seeds), 'seed')}, {plural(max(steps), 'step')} a run"
