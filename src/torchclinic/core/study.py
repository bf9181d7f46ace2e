"""StudyResult: what came of many arms over many seeds, ready to be shown or exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torchclinic.core.extensions import call
from torchclinic.core.history import SplitName
from torchclinic.core.verdict import PairedComparison

Judgement = Literal["better", "worse", "inconclusive"]


@dataclass(frozen=True)
class StudyArm:
    """One arm of a study.

    Attributes:
        name: Its name.
        changes: What sets it apart from the base recipe ("optimizer.lr = 0.1"), or "".
        color: Its place in the order of colors, from 0; the same in every picture.
        baseline: Whether the others are compared with it.
    """

    name: str
    changes: str = ""
    color: int = 0
    baseline: bool = False


@dataclass(frozen=True)
class StudyRun:
    """One arm with one seed, in numbers.

    Attributes:
        arm: Name of the arm.
        seed: The seed.
        score: The metric (or loss) that it is judged by; None when the run is missing or failed.
            NaN or infinite when it diverged.
        steps: Updates it made.
        seconds: Wall time it took.
        ending: Why it ended ("budget", "early-stopping", "diverged", "interrupted"), "failed",
            "missing" when it was not begun, or "dropped" when successive halving left it out.
        error: Why there is no score, or "".
        note: What is worth knowing about how it was run, or "".
    """

    arm: str
    seed: int
    score: float | None = None
    steps: int = 0
    seconds: float = 0.0
    ending: str = "missing"
    error: str = ""
    note: str = ""


@dataclass(frozen=True)
class StudyRow:
    """One line of the table.

    Mean, median and interval are over the runs with a finite score; NaN when there is none.

    Attributes:
        arm: Name of the arm.
        n: Runs with a finite score.
        mean: Their mean.
        median: Their median.
        low: Lower end of the interval of the mean; -inf with fewer than 2 runs.
        high: Upper end.
        std: Standard deviation over the seeds; NaN with fewer than 2 runs.
        seconds: Mean wall time of a run; NaN when none was made.
        steps: Median number of updates of a run.
        failed: Runs that raised an error.
        diverged: Runs that ended without a finite score.
        missing: Runs that were not made (budget, halving, interrupt).
        best_share: Bootstrap share of being the best arm, in [0, 1]; NaN when unknown.
    """

    arm: str
    n: int
    mean: float
    median: float
    low: float
    high: float
    std: float
    seconds: float
    steps: int = 0
    failed: int = 0
    diverged: int = 0
    missing: int = 0
    best_share: float = float("nan")


@dataclass(frozen=True)
class StudyCurve:
    """One curve of one run.

    Attributes:
        arm: Name of the arm.
        seed: The seed.
        split: "train", "validation" or "test".
        quantity: "loss" or "metric".
        points: (step, value) pairs in order; values may be NaN or infinite.
    """

    arm: str
    seed: int
    split: SplitName
    quantity: Literal["loss", "metric"]
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class StudyComparison:
    """Two arms over the seeds that both have.

    Attributes:
        before: Name of the arm that it is compared with.
        after: Name of the arm that is judged.
        comparison: The paired statistics: difference after - before, interval, sign-flip p, effect
            size, probability of superiority.
        holm_p: The sign-flip p after Holm's correction over its family.
        wilcoxon_p: Wilcoxon's signed-rank p, two-sided, uncorrected.
        wilcoxon_holm_p: The same after Holm's correction.
        family: Comparisons that were corrected together.
        judgement: "better" or "worse" for the second arm beyond chance, else "inconclusive".
        sentence: The outcome in plain words.
        power: How many seeds a difference of this size would take, in plain words, or "".
    """

    before: str
    after: str
    comparison: PairedComparison
    holm_p: float
    wilcoxon_p: float
    wilcoxon_holm_p: float
    family: int
    judgement: Judgement
    sentence: str
    power: str = ""

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class StudyBest:
    """Which arm is best, and how sure that is.

    Attributes:
        arm: The arm with the best mean over the common seeds; "" when there is none.
        share: Share of the bootstrap resamples of the seeds in which it is the best.
        shares: Every arm -> its share, the largest first.
        contenders: Arms that the seeds do not tell apart from the best, itself included.
        sentence: The same in plain words.
    """

    arm: str
    share: float
    shares: Mapping[str, float] = field(default_factory=dict[str, float])
    contenders: tuple[str, ...] = ()
    sentence: str = ""

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class StudyResult:
    """The outcome of a study.

    Attributes:
        name: Name of the study.
        arms: The arms in the order given.
        seeds: The seeds, the same for all arms.
        metric: What arms are judged by ("accuracy", "loss").
        higher_is_better: Direction of the metric.
        split: Part of the data that it was measured on; "train" where there is no other.
        rows: The table, one row an arm, in the order of `arms`.
        runs: Every arm with every seed.
        curves: Curves of all runs.
        against_baseline: The baseline (before) against each other arm (after); one Holm family.
        pairs: All pairs of arms, in the order of `arms`; one Holm family of their own. Empty when
            there are fewer than 3 arms or too many for all pairs to be of use.
        best: The best arm with its uncertainty; None with fewer than 2 arms.
        verdicts: What may be said, one sentence a finding, the most important first.
        power: What the number of seeds can and cannot show, in sentences.
        notes: Fallbacks, missing runs, warnings: what a reader must know to trust the rest.
        confidence: Of all intervals; 1 - confidence is the level of all tests.
        seconds: Wall time of the study.
        meta: Facts for the record (engine, versions, data, budget, command).
    """

    name: str
    arms: tuple[StudyArm, ...]
    seeds: tuple[int, ...]
    metric: str
    higher_is_better: bool
    split: SplitName = "validation"
    rows: tuple[StudyRow, ...] = ()
    runs: tuple[StudyRun, ...] = field(default=(), repr=False)
    curves: tuple[StudyCurve, ...] = field(default=(), repr=False)
    against_baseline: tuple[StudyComparison, ...] = ()
    pairs: tuple[StudyComparison, ...] = field(default=(), repr=False)
    best: StudyBest | None = None
    verdicts: tuple[str, ...] = ()
    power: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    confidence: float = 0.95
    seconds: float = 0.0
    meta: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def baseline(self) -> str:
        """Name of the baseline; "" when there is none.

        >>> arms = (StudyArm("plain", baseline=True), StudyArm("dropout", color=1))
        >>> StudyResult("s", arms, (0, 1), "accuracy", True).baseline
        'plain'
        """
        return next((arm.name for arm in self.arms if arm.baseline), "")

    def row(self, arm: str) -> StudyRow:
        """The table's row of an arm; KeyError when there is none."""
        for row in self.rows:
            if row.arm == arm:
                return row
        raise KeyError(arm)

    def curves_of(
        self, arm: str, split: SplitName, quantity: Literal["loss", "metric"]
    ) -> tuple[StudyCurve, ...]:
        """The curves of an arm, one a seed, in the order of the seeds."""
        wanted = (arm, split, quantity)
        return tuple(c for c in self.curves if (c.arm, c.split, c.quantity) == wanted)

    def __str__(self) -> str:
        return call("render_study_text", self)

    def _repr_html_(self) -> str:
        return call("render_study_html", self)

    def report(self, path: str) -> None:
        """Write the self-contained HTML report to `path`; OutputError if it cannot be written."""
        call("write_study_report", self, path)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON-ready values."""
        return call("study_to_dict", self)
