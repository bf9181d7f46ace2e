"""From values over seeds to a judgement of a claim."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core import UsageError
from torchclinic.gallery.claim import Claim, Judgement

CONFIDENCE = 0.95


def judge(  # noqa: PLR0913 - a claim has many parts, all by name
    sentence: str,
    *,
    source: str,
    measure: str,
    values: Iterable[float] | float,
    above: float = -math.inf,
    below: float = math.inf,
    unit: str = "",
    reason: str = "",
    if_holds: str = "",
    if_refuted: str = "",
    if_not_settled: str = "",
) -> Claim:
    """Judge a claim by whether the interval of a mean over seeds lies where the claim wants it.

    It holds if the interval is inside of (above, below), is refuted if it is outside of it as a
    whole, and is not settled otherwise: also with a single seed, and with a value that is NaN.

    Args:
        sentence: What the lecture says, in English.
        source: Where: file and section.
        measure: What the values are, in words.
        values: One value a seed; a single number is exact, and its interval is a point.
        above: The claim wants more than this.
        below: The claim wants less than this.
        unit: Of the values.
        reason: Said whatever the judgement.
        if_holds: Said if it holds.
        if_refuted: Said if it is refuted: why, as far as found.
        if_not_settled: Said if it is not settled.

    Returns:
        The claim with its judgement.

    Raises:
        UsageError: Without values, or without a bound.

    >>> claim = judge("Three layers do not learn.", source="000", measure="test accuracy",
    ...               values=[0.10, 0.11, 0.09, 0.10], below=0.2)
    >>> claim.judgement.value, round(claim.low, 3), round(claim.high, 3)
    ('holds', 0.087, 0.113)
    """
    exact = isinstance(values, (int, float))
    found = (float(values),) if isinstance(values, (int, float)) else tuple(map(float, values))
    _check(sentence, found, above, below)
    value, low, high = (found[0],) * 3 if exact else mean_interval(found)
    judgement = _judgement(low, high, above, below)
    said = {
        Judgement.HOLDS: if_holds,
        Judgement.REFUTED: if_refuted,
        Judgement.NOT_SETTLED: if_not_settled,
    }
    return Claim(
        sentence=sentence,
        source=source,
        measure=measure,
        value=value,
        low=low,
        high=high,
        wanted=wanted(above, below),
        judgement=judgement,
        reason=" ".join(part for part in (reason, said[judgement]) if part),
        unit=unit,
        values=found,
    )


def mean_interval(
    values: tuple[float, ...], confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    r"""Mean and its Student interval $\bar x \pm t_{n-1} s / \sqrt n$.

    With as few seeds as here a bootstrap could do no more than give back the smallest and the
    largest value; Student's t pays for a spread that is itself estimated from few.

    Returns:
        (mean, low, high): infinitely wide for one value, a point for equal ones, NaN with a NaN.

    Source: Student 1908, doi:10.1093/biomet/6.1.1.

    >>> tuple(round(end, 3) for end in mean_interval((1.0, 2.0, 3.0)))
    (2.0, -0.484, 4.484)
    """
    from scipy.special import stdtrit

    count = len(values)
    mean = math.fsum(values) / count
    if not all(map(math.isfinite, values)):
        return mean, math.nan, math.nan
    if count < 2:
        return mean, -math.inf, math.inf
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (count - 1))
    half = float(stdtrit(count - 1, (1 + confidence) / 2)) * spread / math.sqrt(count)
    return mean, mean - half, mean + half


def wanted(above: float, below: float) -> str:
    """The bounds in words.

    >>> wanted(0.5, float("inf")), wanted(-0.01, 0.01)
    ('above 0.5', 'between -0.01 and 0.01')
    """
    if math.isinf(above):
        return f"below {below:.4g}"
    if math.isinf(below):
        return f"above {above:.4g}"
    return f"between {above:.4g} and {below:.4g}"


def _judgement(low: float, high: float, above: float, below: float) -> Judgement:
    if low > above and high < below:
        return Judgement.HOLDS
    if high <= above or low >= below:
        return Judgement.REFUTED
    return Judgement.NOT_SETTLED


def _check(sentence: str, values: tuple[float, ...], above: float, below: float) -> None:
    if not values:
        raise UsageError(f"the claim {sentence!r} has no value", hint="one a seed, or one number")
    if not above < below or (math.isinf(above) and math.isinf(below)):
        raise UsageError(
            f"the claim {sentence!r} wants a value above {above} and below {below}",
            hint="give above=, below= or both, the first smaller than the second",
        )
