"""What a diagnosis or a repair says, in sentences and small values that every output shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torchclinic.core import (
    Case,
    Cost,
    Diagnosis,
    Evidence,
    Finding,
    Level,
    LRRange,
    Outcome,
    PairedComparison,
    Repair,
    Run,
)
from torchclinic.render.layers import Table
from torchclinic.render.numbers import finite, median
from torchclinic.render.words import (
    decimals_for,
    listing,
    number,
    plural,
    score,
    seconds,
    times,
)

OUTCOME_WORDS = {
    Outcome.REPAIRED: "Repaired",
    Outcome.IMPROVED: "Improved",
    Outcome.INCONCLUSIVE: "Inconclusive",
    Outcome.NOT_REPAIRED: "Not repaired",
    Outcome.HEALTHY: "Healthy",
}
EVEN = 3.0  # layers whose values lie within this factor are called about equal


@dataclass(frozen=True)
class Change:
    """The judged number before and after, over the seeds.

    Attributes:
        metric: Its name.
        higher_is_better: Its direction.
        before: Value of each seed of the faulty recipe.
        after: Value of each seed of the repaired recipe.
        seeds: The seeds; as many as the longer side has values.
    """

    metric: str
    higher_is_better: bool
    before: tuple[float, ...]
    after: tuple[float, ...]
    seeds: tuple[int, ...]

    @property
    def decimals(self) -> int | None:
        """Decimals that show both sides alike."""
        return decimals_for((*self.before, *self.after))

    def text(self, side: Sequence[float]) -> str:
        """Median of one side, "-" without values."""
        return score(median(side), self.decimals) if finite(side) else ("NaN" if side else "-")


def change(repair: Repair) -> Change | None:
    """The judged number of both sides: the comparison's, else the runs' last evaluations."""
    found = repair.verdict.comparison
    if found is not None:
        return Change(found.metric, found.higher_is_better, found.before, found.after, found.seeds)
    runs = repair.before or repair.after
    if not runs:
        return None
    history = runs[0].history
    before, after = _finals(repair.before), _finals(repair.after)
    if not before and not after:
        return None
    seeds = tuple(run.seed for run in runs)
    return Change(history.metric or "loss", higher_is_better(repair), before, after, seeds)


def _finals(runs: Sequence[Run]) -> tuple[float, ...]:
    found = []
    for run in runs:
        last = next(
            (e for s in ("test", "validation", "train") if (e := run.history.last(s))), None
        )
        if last is not None:
            found.append(last.loss if last.metric is None else last.metric)
    return tuple(found)


def metric_name(repair: Repair) -> str:
    """Name of the number by which arms and runs are judged."""
    if repair.verdict.comparison is not None:
        return repair.verdict.comparison.metric
    if repair.metric:
        return repair.metric
    names = [run.history.metric for run in (*repair.before, *repair.after)]
    facts = repair.diagnosis.case.recipe
    return next((n for n in names if n), None) or (facts.metric if facts else None) or "loss"


def higher_is_better(repair: Repair) -> bool:
    """Direction of that number; a loss is better when it is lower."""
    if repair.verdict.comparison is not None:
        return repair.verdict.comparison.higher_is_better
    if repair.metric:
        return repair.higher_is_better
    if metric_name(repair) == "loss":
        return False
    run = next((r for r in (*repair.before, *repair.after) if r.history.metric), None)
    facts = repair.diagnosis.case.recipe
    if run is not None:
        return run.history.higher_is_better
    return facts.higher_is_better if facts is not None else True


# ---------------------------------------------------------------------------------- the verdict


def headline(repair: Repair) -> str:
    """The outcome in a few words with its numbers."""
    found = change(repair)
    if repair.verdict.outcome is Outcome.HEALTHY:
        return f"{repair.name} trains well; nothing was changed"
    if found is None or not found.after:
        return f"{repair.name} still fails; nothing was changed"
    return f"{found.metric} {found.text(found.before)} → {found.text(found.after)}"


def seeds_sentence(comparison: PairedComparison) -> str:
    """How many of the paired seeds improve."""
    sign = 1 if comparison.higher_is_better else -1
    pairs = list(zip(comparison.before, comparison.after, strict=True))
    better = sum(sign * (after - before) > 0 for before, after in pairs)
    broken = sum(not math.isfinite(before) and math.isfinite(after) for before, after in pairs)
    better += broken
    if len(pairs) == 1:
        return "The one seed improves" if better else "The one seed does not improve"
    if better == len(pairs):
        return f"All {len(pairs)} seeds improve"
    if better == 0:
        return f"None of {len(pairs)} seeds improves"
    return f"{better} of {len(pairs)} seeds improve"


def interval_sentence(comparison: PairedComparison) -> str:
    """Mean difference, its interval and exact sign-flip p in one line."""
    decimals = decimals_for((comparison.mean_difference, comparison.low, comparison.high))
    mean = score(comparison.mean_difference, decimals)
    low, high = score(comparison.low, decimals), score(comparison.high, decimals)
    sign = "+" if comparison.mean_difference > 0 else ""
    percent = number(100 * comparison.confidence)
    p = number(comparison.p_value, 2)
    return f"{sign}{mean}, {percent} % interval [{low}, {high}], p = {p}"


def diverged_sentence(comparison: PairedComparison) -> str:
    """How many runs ended without a finite score; empty when none did."""
    sides = zip(("before", "after"), comparison.diverged, strict=True)
    parts = [f"{count} of {len(comparison.seeds)} runs {side}" for side, count in sides if count]
    if not parts:
        return ""
    return f"{listing(parts)} diverged and count as the worst that a run can do"


# -------------------------------------------------------------------------------- the findings


def folded(finding: Finding) -> tuple[str, ...]:
    """Names of the consequences that a finding explains, without repetitions."""
    return tuple(dict.fromkeys(f.rule.replace("-", " ") for f in finding.consequences))


def level_counts(diagnosis: Diagnosis) -> str:
    """How many findings of each level there are, in words."""
    parts = []
    for level in Level:
        count = sum(f.level is level for f in diagnosis.findings)
        if count:
            parts.append(plural(count, "note" if level is Level.INFO else level.value))
    return ", ".join(parts)


def evidence_words(evidence: Evidence) -> str:
    """The number against its threshold.

    >>> evidence_words(Evidence("first over last", 2e-5, 1e-3, "<"))
    '2e-5, trouble below 0.001'
    """
    unit = f" {evidence.unit}" if evidence.unit else ""
    value = f"{number(evidence.value)}{unit}"
    if evidence.threshold is None:
        return value
    word = {"<": "below", ">": "above", "=": "at", "outside": "outside of"}[evidence.comparison]
    return f"{value}, trouble {word} {number(evidence.threshold)}{unit}"


def window(finding: Finding) -> str:
    """When it was seen."""
    if finding.steps is None:
        return "before training"
    first, last = finding.steps
    return f"step {first:,}" if first == last else f"steps {first:,} to {last:,}"


def checked(case: Case) -> tuple[str, ...]:
    """What the rules had to judge by, in short words."""
    present = (
        ("data", case.batch),
        ("wiring", case.recipe),
        ("initialisation", case.batch),
        ("one batch", case.one_batch),
        ("learning rate", case.lr_range),
        ("layers", case.trace),
        ("loss", case.history),
    )
    return tuple(word for word, facts in present if facts is not None)


def checked_sentence(diagnosis: Diagnosis) -> str:
    """What was checked and what could not be, one sentence."""
    parts = checked(diagnosis.case)
    text = f"Checked: {', '.join(parts)}." if parts else "Nothing was there to check."
    if diagnosis.skipped:
        text += f" {plural(len(diagnosis.skipped), 'rule')} could not be judged."
    return text


# ------------------------------------------------------------------------------------ the layers


def layers_sentence(shown: Table, arm: str) -> str:
    """What the typical values of one side say, without a subject ("40,000 times smaller ...")."""
    values = shown.typical(arm)
    if not values:
        return "not measured"
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if not shown.statistic.log:
        return f"at most {number(100 * values[high], 2)} % ({high})"
    if len(values) == 1:
        return f"{number(values[low])} in {low}"
    if values[low] <= 0:
        return f"zero in {low}, {number(values[high], 2)} in {high}"
    ratio = values[high] / values[low]
    if ratio <= EVEN:
        return f"about equal in all {len(values)} layers (within {number(ratio, 2)}x)"
    return f"{times(ratio)} smaller in {low} than in {high}"


def layers_title(shown: Table, *, sides: int = 1) -> str:
    """The finding of a table of layers, as a title.

    Args:
        shown: The statistic of all layers.
        sides: How many sides the comparison has: with two, a side is named even where it is alone.
    """
    name = shown.statistic.subject
    if shown.has("before") and shown.has("after"):
        before, after = layers_sentence(shown, "before"), layers_sentence(shown, "after")
        return f"Before, the {name} is {before}; after, {after}"
    arm = "before" if shown.has("before") else "after"
    if sides > 1:
        return f"{arm.capitalize()}, the {name} is {layers_sentence(shown, arm)}"
    return f"The {name} is {layers_sentence(shown, arm)}"


# ------------------------------------------------------------------------------------ the curves


def ends_sentence(quantity: str, before: float, after: float) -> str:
    """Where two curves end.

    >>> ends_sentence("Accuracy", 0.0993, 0.9641), ends_sentence("Loss", 2.13, 0.0165)
    ('Accuracy ends at 0.964 instead of 0.099', 'Loss ends at 0.0165 instead of 2.13')
    """
    texts = [alike((before, after), v) for v in (before, after)]
    if not math.isfinite(after):
        return f"{quantity} ends at {texts[0]}"
    if not math.isfinite(before):
        return f"{quantity} ends at {texts[1]}"
    return f"{quantity} ends at {texts[1]} instead of {texts[0]}"


def alike(values: Sequence[float], value: float) -> str:
    """One of several values, with as many decimals as the others where that leaves enough digits.

    >>> alike((0.0993, 0.9641), 0.0993), alike((2.13, 0.0165), 0.0165)
    ('0.099', '0.0165')
    """
    sizes = [abs(v) for v in finite(values) if v]
    decimals = decimals_for(sizes)
    if decimals is None or not sizes or min(sizes) < 10 ** (1 - decimals):
        return number(value)
    return score(value, decimals)


def rate_sentence(lr_range: LRRange) -> str:
    """The configured learning rate against the suggested one."""
    best, own = lr_range.suggestion, lr_range.configured
    if best is None:
        return lr_range.reason or "The range test suggests no learning rate"
    if own is None or own <= 0:
        return f"The range test suggests a learning rate of {number(best, 2)}"
    low, high = min(lr_range.suggestions.values()), max(lr_range.suggestions.values())
    if low <= own <= high and low < high:
        span = f"{number(low, 2)} to {number(high, 2)}"
        return f"The configured rate {number(own, 2)} lies within the suggested {span}"
    if max(best / own, own / best) <= EVEN:
        return f"The configured rate {number(own, 2)} is close to the suggested {number(best, 2)}"
    side = "below" if own < best else "above"
    ratio = times(max(best / own, own / best))
    return f"The configured rate {number(own, 2)} is {ratio} {side} the suggested {number(best, 2)}"


# ------------------------------------------------------------------------------------- the cost


def cost_sentence(cost: Cost) -> str:
    """What it cost, in seconds and in trainings.

    >>> cost_sentence(Cost(8.0, 2.9, 12.0, 11.8, 23.4, 3.2, 0.7))
    '38 s: diagnosis 3.2 s, search 12 s (2.9 of 8 trainings), proof 23 s (12)'
    """
    total = cost.diagnosis_seconds + cost.search_seconds + cost.proof_seconds
    parts = []
    if cost.diagnosis_seconds:
        parts.append(f"diagnosis {seconds(cost.diagnosis_seconds)}")
    if cost.search_seconds:
        used = f"{number(cost.search_trainings, 2)} of {number(cost.budget, 2)} trainings"
        parts.append(f"search {seconds(cost.search_seconds)} ({used})")
    if cost.proof_seconds:
        parts.append(f"proof {seconds(cost.proof_seconds)} ({number(cost.proof_trainings, 2)})")
    return seconds(total) + (f": {', '.join(parts)}" if parts else "")
