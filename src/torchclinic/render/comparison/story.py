"""What a study says first: a word, a sentence, and the numbers behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torchclinic.core import StudyResult
from torchclinic.render.comparison.arms import arm_views
from torchclinic.render.words import decimals_for, plural, printable, score, seconds, sentence

Tone = Literal["settled", "open", "single"]


@dataclass(frozen=True)
class Headline:
    """The first lines of any output.

    Attributes:
        word: The outcome in a word or two.
        tone: "settled" when one arm is told apart from all others, "open" when the seeds do not
            settle it, "single" when there is nothing to compare.
        says: The most important sentence.
        rest: The other verdicts.
    """

    word: str
    tone: Tone
    says: str
    rest: tuple[str, ...]


def headline(result: StudyResult) -> Headline:
    """The outcome of a study."""
    verdicts = said(result, result.verdicts)
    if result.best is not None and not verdicts:
        verdicts = said(result, [result.best.sentence])
    says = verdicts[0] if verdicts else "Nothing was measured."
    word, tone = _word(result)
    return Headline(word, tone, says, verdicts[1:])


def _word(result: StudyResult) -> tuple[str, Tone]:
    best = result.best
    if best is None or not best.arm:
        return ("One arm", "single") if len(result.arms) == 1 else ("Inconclusive", "open")
    if len(best.contenders) <= 1:
        return "One winner", "settled"
    if any(one.judgement == "better" for one in result.against_baseline):
        return f"{len(best.contenders)} lead", "open"
    return "Inconclusive", "open"


@dataclass(frozen=True)
class Ends:
    """Two means side by side: the baseline's and that of the best arm.

    Attributes:
        metric: What they are means of.
        baseline: Name of the baseline.
        before: Its mean.
        best: Name of the best arm.
        after: Its mean.
        styles: Classes of the colors of both.
    """

    metric: str
    baseline: str
    before: str
    best: str
    after: str
    styles: tuple[str, str]


def ends(result: StudyResult) -> Ends | None:
    """The baseline's mean and the best arm's; None unless they are two arms with scores."""
    if result.best is None or result.best.arm in ("", result.baseline) or not result.baseline:
        return None
    rows = {row.arm: row for row in result.rows}
    before, after = rows.get(result.baseline), rows.get(result.best.arm)
    if before is None or after is None or not math.isfinite(before.mean + after.mean):
        return None
    decimals = decimals_for([before.mean, after.mean])
    styles = {view.arm.name: view.style for view in arm_views(result)}
    return Ends(
        f"mean {printable(result.metric)}",
        printable(before.arm),
        score(before.mean, decimals),
        printable(after.arm),
        score(after.mean, decimals),
        (styles[before.arm], styles[after.arm]),
    )


def facts(result: StudyResult) -> tuple[tuple[str, str], ...]:
    """What was compared, in short."""
    direction = "higher is better" if result.higher_is_better else "lower is better"
    split = {"train": "training"}.get(result.split, result.split)
    found = [
        ("compared", f"{plural(len(result.arms), 'arm')} × {plural(len(result.seeds), 'seed')}"),
        ("judged by", f"{split} {printable(result.metric)}, {direction}"),
    ]
    if result.seconds:
        found.append(("it took", seconds(result.seconds)))
    if result.meta.get("engine"):
        found.append(("engine", printable(result.meta["engine"]).partition(":")[0]))
    return tuple(found)


def said(result: StudyResult, words: Sequence[str]) -> tuple[str, ...]:
    """Notes as sentences; one that begins with an arm's name begins as that does.

    >>> from torchclinic.core import StudyArm
    >>> study = StudyResult("s", (StudyArm("relu"),), (), "loss", False)
    >>> said(study, ["relu is best", "two runs failed"])
    ('relu is best.', 'Two runs failed.')
    """
    names = tuple(printable(arm.name) for arm in result.arms if arm.name)
    found = [printable(one).strip() for one in words]
    return tuple(
        one[0] + sentence(one)[1:] if one.startswith(names) else sentence(one)
        for one in found
        if one
    )
