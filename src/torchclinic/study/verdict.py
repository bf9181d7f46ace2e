"""From a paired comparison to a verdict that a person can act on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from torchclinic.core import Outcome, PairedComparison, Verdict
from torchclinic.study.statistics import fewest_seeds, seeds_needed
from torchclinic.study.wording import comparison_words

HEALTHY_SENTENCE = "nothing is wrong with this training; it was left as it is"
_WORTH_RUNNING = 1000  # seeds; beyond, "more seeds" is no advice


def judge_repair(
    comparison: PairedComparison,
    controls: Mapping[str, PairedComparison] | None = None,
    remaining_findings: bool = False,
    *,
    remaining: Sequence[str] = (),
) -> Verdict:
    """Judge a repair: does it help beyond chance, beyond the controls, and is the fault gone?

    Beyond chance means that the interval of the mean difference excludes 0 and that the sign-flip
    p is below the level. A control (a plain re-run, a random remedy of equal budget) must be beaten
    in the same sense; where it has too few seeds for that, it must be beaten on every one of them.

    Args:
        comparison: Faulty (before) against repaired (after).
        controls: Name of a control -> that control (before) against repaired (after).
        remaining_findings: Whether root findings of the faulty recipe are still there.
        remaining: What they are, for the sentence; not empty means that some remain.

    Returns:
        "repaired" when it is better and the fault is gone; "improved" when it is better but a
        fault remains; "inconclusive" when it is ahead by no more than chance explains; "not
        repaired" when it is not ahead, or a control does as well.

    >>> from torchclinic.study.statistics import paired_comparison
    >>> scores = [0.95, 0.97, 0.96, 0.97, 0.98, 0.97]
    >>> c = paired_comparison([0.1] * 6, scores, seeds=range(6), metric="accuracy",
    ...                       higher_is_better=True)
    >>> print(judge_repair(c).sentence)
    accuracy 0.10 -> 0.97 on 6 of 6 seeds, difference +0.87 [0.85, 0.88], p = 0.031
    """
    words = comparison_words(comparison)
    if not comparison.better:
        return _not_shown(comparison, words)
    equals = [name for name, other in (controls or {}).items() if _gain(other) <= 0]
    close = [name for name, other in (controls or {}).items() if not _beaten(other)]
    if equals:
        why = f"{_listed(equals)} does as well, so the change is not what helps"
        return Verdict(Outcome.NOT_REPAIRED, f"{words}; but {why}", comparison)
    if close:
        why = f"it is not ahead of {_listed(close)} by more than chance explains"
        return Verdict(Outcome.INCONCLUSIVE, f"{words}; but {why}", comparison)
    if remaining_findings or remaining:
        left = f"still there: {_listed(remaining)}" if remaining else "a fault remains"
        return Verdict(Outcome.IMPROVED, f"{words}; {left}", comparison)
    return Verdict(Outcome.REPAIRED, words, comparison)


def healthy_verdict() -> Verdict:
    """The verdict on a training in which nothing was found and nothing was changed.

    >>> healthy_verdict().outcome.value
    'healthy'
    """
    return Verdict(Outcome.HEALTHY, HEALTHY_SENTENCE)


def _not_shown(comparison: PairedComparison, words: str) -> Verdict:
    gain = _gain(comparison)
    if gain > 0:
        sentence = f"{words}; {_advice(comparison)}"
        return Verdict(Outcome.INCONCLUSIVE, sentence, comparison)
    worse = gain < 0 and comparison.p_value < 1 - comparison.confidence
    why = "it makes the training worse" if worse else "it does not help"
    return Verdict(Outcome.NOT_REPAIRED, f"{words}; {why}", comparison)


def _advice(comparison: PairedComparison) -> str:
    """How many seeds it would take to tell a difference of this size from chance."""
    have, fewest = len(comparison.seeds), fewest_seeds(comparison.confidence)
    needed = _needed(comparison)
    if needed is None or needed > _WORTH_RUNNING:
        return "a difference this small among seeds this far apart is not worth more seeds"
    if have < fewest:
        needed = max(needed, fewest)
        return f"{have} seeds can never settle it, {needed} could"
    return f"the seeds do not settle it: about {max(needed, have + 1)} would"


def _needed(comparison: PairedComparison) -> int | None:
    effect = comparison.effect_size
    if math.isnan(effect) or math.isinf(effect):
        return fewest_seeds(comparison.confidence)
    return seeds_needed(effect, 1.0, confidence=comparison.confidence)


def _gain(comparison: PairedComparison) -> float:
    sign = 1 if comparison.higher_is_better else -1
    return sign * comparison.mean_difference


def _beaten(comparison: PairedComparison) -> bool:
    if len(comparison.seeds) < fewest_seeds(comparison.confidence):
        return comparison.superiority == 1.0
    return comparison.better


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
