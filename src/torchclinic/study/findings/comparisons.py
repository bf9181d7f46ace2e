"""Paired comparisons of arms, corrected together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from torchclinic.core import PairedComparison, StudyComparison
from torchclinic.core.study import Judgement
from torchclinic.study.findings.power_words import comparison_power
from torchclinic.study.findings.sentences import comparison_sentence
from torchclinic.study.judged import Judged
from torchclinic.study.statistics import holm, paired_comparison, wilcoxon_p

Scores = Mapping[str, Mapping[int, float]]  # arm -> seed -> score
MOST_ARMS_IN_PAIRS = 12  # 66 pairs; beyond, Holm's correction leaves nothing to see with few seeds


def compare_all(
    pairs: Sequence[tuple[str, str]], scores: Scores, judged: Judged, *, confidence: float
) -> tuple[StudyComparison, ...]:
    """Compare pairs of arms (before, after) and correct them together.

    A difference is "better" or "worse" when the sign-flip p after Holm's correction is below
    1 - confidence: in a study where no arm differs from another, the chance that any of these
    comparisons says so is below that level. Wilcoxon's p is a second opinion and decides nothing.

    Args:
        pairs: Pairs that have a seed in common; others are left out.
        scores: Of all runs that have one, diverged ones included.
        judged: Metric and direction.
        confidence: Of intervals; one minus the level.
    """
    found = {pair: _paired(pair, scores, judged, confidence) for pair in pairs}
    kept = {pair: c for pair, c in found.items() if c is not None}
    signed = holm([c.p_value for c in kept.values()])
    plain = [wilcoxon_p(_differences(c)) for c in kept.values()]
    ranked = holm(plain)
    rows = zip(kept.items(), signed, plain, ranked, strict=True)
    return tuple(
        _comparison(pair, c, (sign, rank, rank_holm), family=len(kept), confidence=confidence)
        for (pair, c), sign, rank, rank_holm in rows
    )


def compare_pair(
    before: str,
    after: str,
    scores: Scores,
    judged: Judged,
    *,
    confidence: float,
    against: Sequence[tuple[str, str]],
) -> StudyComparison | None:
    """One comparison, corrected for the others of its family; None without a common seed."""
    family = [pair for pair in against if set(pair) != {before, after}]
    found = compare_all([(before, after), *family], scores, judged, confidence=confidence)
    return next((c for c in found if (c.before, c.after) == (before, after)), None)


def pairs_with(baseline: str, arms: Sequence[str]) -> list[tuple[str, str]]:
    """The baseline with each other arm.

    >>> pairs_with("a", ["a", "b", "c"])
    [('a', 'b'), ('a', 'c')]
    """
    return [(baseline, arm) for arm in arms if arm != baseline]


def all_pairs(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Every arm with every later one."""
    return list(combinations(arms, 2))


def _paired(
    pair: tuple[str, str], scores: Scores, judged: Judged, confidence: float
) -> PairedComparison | None:
    first, second = (scores.get(arm, {}) for arm in pair)
    seeds = [seed for seed in first if seed in second]
    if not seeds:
        return None
    return paired_comparison(
        [first[seed] for seed in seeds],
        [second[seed] for seed in seeds],
        seeds=seeds,
        metric=judged.metric,
        higher_is_better=judged.higher_is_better,
        confidence=confidence,
        interval="sign-flip",
    )


def _comparison(
    pair: tuple[str, str],
    c: PairedComparison,
    p_values: tuple[float, float, float],
    *,
    family: int,
    confidence: float,
) -> StudyComparison:
    holm_p, rank_p, rank_holm_p = p_values
    judgement = _judgement(c, holm_p, confidence)
    plain = StudyComparison(
        before=pair[0],
        after=pair[1],
        comparison=c,
        holm_p=holm_p,
        wilcoxon_p=rank_p,
        wilcoxon_holm_p=rank_holm_p,
        family=family,
        judgement=judgement,
        sentence="",
        power=comparison_power(c, family) if judgement == "inconclusive" else "",
    )
    return comparison_sentence(plain)


def _judgement(c: PairedComparison, holm_p: float, confidence: float) -> Judgement:
    gain = c.mean_difference if c.higher_is_better else -c.mean_difference
    if holm_p >= 1 - confidence or gain == 0:
        return "inconclusive"
    return "better" if gain > 0 else "worse"


def _differences(c: PairedComparison) -> list[float]:
    tie = c.superiority == 0.5 and c.mean_difference == 0  # also where all runs diverged
    pairs = zip(c.before, c.after, strict=True)
    return [0.0 if tie and a != a else b - a for a, b in pairs]  # noqa: PLR0124 - NaN
