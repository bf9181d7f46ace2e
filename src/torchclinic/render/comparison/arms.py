"""The arms of a study as a reader meets them: best first, each with its color and its dashes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torchclinic.core import StudyArm, StudyResult, StudyRow
from torchclinic.render.words import printable

HUES = 8  # colors that can be told apart; beyond them the dashes differ
DASHES = (0, 1, 0, 2, 1, 3, 2, 0)  # of each hue: neighbours for the colour-blind differ in them
N_DASHES = 4


@dataclass(frozen=True)
class ArmView:
    """One arm.

    Attributes:
        number: Its place among the arms, from 0; names it in the page.
        arm: The arm.
        row: Its line of the table; None when there is none.
        best: Whether it has the best mean.
    """

    number: int
    arm: StudyArm
    row: StudyRow | None
    best: bool

    @property
    def name(self) -> str:
        """Its name, harmless."""
        return printable(self.arm.name)

    @property
    def key(self) -> str:
        """The class of everything on the page that belongs to it."""
        return f"arm-{self.number}"

    @property
    def style(self) -> str:
        """The classes of its color and its dashes.

        >>> arm = StudyArm("relu", color=3)
        >>> ArmView(3, arm, None, best=False).style
        'c3 d2'
        """
        hue, round_ = self.arm.color % HUES, self.arm.color // HUES
        return f"c{hue} d{(DASHES[hue] + round_) % N_DASHES}"

    @property
    def mean(self) -> float:
        """Its mean score, NaN without one."""
        return math.nan if self.row is None else self.row.mean

    @property
    def badge(self) -> str:
        """What it is, in a word."""
        words = ("best" if self.best else "", "baseline" if self.arm.baseline else "")
        return ", ".join(filter(None, words))


def arm_views(result: StudyResult) -> tuple[ArmView, ...]:
    """The arms, best mean first, those without a score last."""
    rows = {row.arm: row for row in result.rows}
    top = result.best.arm if result.best is not None else ""
    found = [
        ArmView(number, arm, rows.get(arm.name), best=arm.name == top)
        for number, arm in enumerate(result.arms)
    ]
    sign = -1 if result.higher_is_better else 1

    def place(view: ArmView) -> tuple[bool, float]:
        known = math.isfinite(view.mean)
        return not known, sign * view.mean if known else 0.0

    return tuple(sorted(found, key=place))


def by_name(views: tuple[ArmView, ...]) -> dict[str, ArmView]:
    """Name as given -> arm."""
    return {view.arm.name: view for view in views}
