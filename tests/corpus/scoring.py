"""How well diagnoses agree with what an expert expects of the corpus."""

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

FIRST = 3  # findings that a reader looks at


@dataclass(frozen=True)
class Outcome:
    """What a diagnosis said of an entry.

    Attributes:
        name: Of the entry.
        half: Of the corpus.
        expected: Codes that count as right; () for a healthy training.
        found: Codes of errors and warnings, in order of rank.
        seconds: What the diagnosis took.
        error: The typed error with which it ended, or "".
        spec: Whether the specification tells of the training.
    """

    name: str
    half: str
    expected: tuple[str, ...]
    found: tuple[str, ...]
    seconds: float
    error: str = ""
    spec: bool = False

    def right(self, first: int = 1) -> bool:
        """Whether one of the first findings names an expected cause."""
        return any(code in self.expected for code in self.found[:first])


@dataclass(frozen=True)
class Rate:
    """A share of cases, with Wilson's 95 % interval.

    Source: E. B. Wilson, JASA 22 (1927), doi:10.1080/01621459.1927.10502953.
    """

    hits: int
    of: int

    @property
    def value(self) -> float:
        return self.hits / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        if not self.of:
            return (math.nan, math.nan)
        z, n, p = 1.96, self.of, self.value
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return (max(0.0, centre - spread), min(1.0, centre + spread))

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:6.1%}  ({self.hits}/{self.of}, 95 % {low:.0%} to {high:.0%})"


def count(values) -> Rate:
    """The rate of true values."""
    listed = [bool(value) for value in values]
    return Rate(sum(listed), len(listed))


def chance(outcomes: Sequence[Outcome], first: int = 1) -> float:
    """How often the first findings of a case would be right for another case, drawn at random.

    The mean over faulty cases with a finding of the share of all *other* faulty cases for which
    one of its first findings would count as right. A talkative or constant diagnosis scores high.
    """
    faulty = [outcome for outcome in outcomes if outcome.expected]
    shares = [
        statistics.fmean(
            any(code in other.expected for code in case.found[:first])
            for other in faulty
            if other is not case
        )
        for case in faulty
        if case.found and len(faulty) > 1
    ]
    return statistics.fmean(shares) if shares else math.nan


def by_code(outcomes: Sequence[Outcome]) -> dict[str, tuple[Rate, Rate]]:
    """Code -> (right first, right in the first three) over cases whose best cause it is."""
    groups = defaultdict(list)
    for outcome in outcomes:
        if outcome.expected:
            groups[outcome.expected[0]].append(outcome)
    return {
        code: (count(o.right() for o in group), count(o.right(FIRST) for o in group))
        for code, group in sorted(groups.items())
    }


def summary(outcomes: Sequence[Outcome]) -> dict:
    """All figures of a set of outcomes."""
    healthy = [o for o in outcomes if not o.expected]
    faulty = [o for o in outcomes if o.expected]
    seconds = sorted(o.seconds for o in outcomes) or [math.nan]
    return {
        "false alarms on healthy": count(o.found or o.error for o in healthy),
        "faults detected": count(o.found for o in faulty),
        "right first cause": count(o.right() for o in faulty),
        "right in first three": count(o.right(FIRST) for o in faulty),
        "right first, of the specification's": count(o.right() for o in faulty if o.spec),
        "chance rate of the first": chance(outcomes),
        "chance rate of the first three": chance(outcomes, FIRST),
        "ended with an error": count(o.error for o in outcomes),
        "seconds, median": statistics.median(seconds),
        "seconds, longest": seconds[-1],
    }
