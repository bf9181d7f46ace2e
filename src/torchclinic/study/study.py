"""Study: what `compare` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from torchclinic.core import (
    Recipe,
    StudyBest,
    StudyComparison,
    StudyResult,
    Trace,
    UsageError,
)
from torchclinic.engine import ArmRun
from torchclinic.study.findings.comparisons import all_pairs, compare_pair, pairs_with
from torchclinic.study.findings.power_words import power_sentence, typical_spread
from torchclinic.study.findings.rows import scores_of
from torchclinic.study.judged import Judged
from torchclinic.study.showing.table import Table
from torchclinic.study.store import StoredArm, read_trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

Part = Literal["runs", "curves", "table", "comparisons"]


@dataclass(frozen=True)
class Source:
    """Where a study's runs come from.

    Attributes:
        recipes: Name -> recipe of the arms that were run; empty for a study read from its folder.
        max_steps: Where runs were cut.
        test: Whether the test part was evaluated.
        stored: Arms as they lie in the folder.
        folder: The folder, or None.
    """

    recipes: Mapping[str, Recipe] = field(default_factory=dict[str, Recipe])
    max_steps: int | None = None
    test: bool = False
    stored: Mapping[str, StoredArm] = field(default_factory=dict[str, StoredArm])
    folder: Path | None = None


class Study:
    """Many arms over many seeds, and what may be said of them.

    Args:
        result: The outcome as plain values.
        runs: Arm -> its runs in the order of the seeds.
        source: Where they come from.

    Attributes:
        result: The outcome as plain values.
        runs: Arm -> its runs in the order of the seeds, with their whole histories.
        source: Where they come from.
    """

    def __init__(
        self, result: StudyResult, runs: Mapping[str, Sequence[ArmRun]], source: Source
    ) -> None:
        self.result = result
        self.runs = runs
        self.source = source

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms, in the order given."""
        return tuple(arm.name for arm in self.result.arms)

    def table(self) -> Table:
        """A row an arm: mean, interval, median, runs, time. Prints in 80 columns."""
        return Table(self.result)

    def verdict(self, arm: str, against: str | None = None) -> StudyComparison:
        """What may be said of one arm against another; prints as a sentence.

        Comparisons with the baseline are corrected together, all others as one of all pairs.

        Args:
            arm: The arm that is judged.
            against: With which it is compared; None for the baseline.

        Raises:
            UsageError: When there is no such arm, or the two have no seed in common.
        """
        before = self.result.baseline if against is None else against
        for name in (arm, before):
            self._check(name)
        if arm == before:
            raise UsageError(f"{arm!r} is compared with itself", hint="give another arm")
        found = self._compared(before, arm)
        if found is None:
            raise UsageError(
                f"{arm!r} and {before!r} have no seed in common",
                hint="their runs failed or are missing: study.result.notes says why",
            )
        return found

    def verdicts(self) -> str:
        """All that may be said, a line a finding."""
        return "\n".join(self.result.verdicts)

    def best(self) -> StudyBest:
        """The best arm, its bootstrap share of being the best, and its contenders.

        Raises:
            UsageError: When fewer than two arms have a seed in common.
        """
        if self.result.best is None:
            raise UsageError(
                "there is no best of fewer than two arms with a seed in common",
                hint="study.result.notes says what is missing",
            )
        return self.result.best

    def power(self, difference: float | None = None) -> str:
        """What the seeds can show; or how many seeds a difference takes.

        Args:
            difference: In the metric's unit: 0.005 of accuracy is half a point.
        """
        if difference is None:
            return "\n".join(self.result.power)
        against = self.result.against_baseline
        spread = typical_spread(against)
        if spread is None:
            raise UsageError(
                "the spread between seeds is not known", hint="it takes two arms and two seeds"
            )
        return power_sentence(
            difference,
            spread,
            metric=self.result.metric,
            confidence=self.result.confidence,
            family=len(against),
        )

    def trace(self, arm: str, seed: int | None = None) -> Trace:
        """The readings of a watched run.

        Args:
            arm: Its arm.
            seed: Its seed; None for the first that was watched.

        Raises:
            UsageError: When that run was not watched.
        """
        self._check(arm)
        seeds = self.result.seeds if seed is None else (seed,)
        for wanted in seeds:
            found = self.find_trace(arm, wanted)
            if found is not None:
                return found
        which = "no run" if seed is None else f"not the run with seed {seed}"
        raise UsageError(f"{which} of {arm!r} was watched", hint="compare(..., watch=True)")

    def plot(self, split: str | None = None, quantity: str = "auto") -> Figure:
        """Curves with bands over the seeds, and the paired differences.

        Args:
            split: "train", "validation" or "test"; None for the best that is there.
            quantity: "loss", "metric", or "auto" for what arms are judged by.

        Raises:
            UsageError: When matplotlib is not installed or there is no such curve.
        """
        from torchclinic.study.showing.plot import plot_study

        return plot_study(self.result, split=split, quantity=quantity)

    def report(self, path: str | Path) -> None:
        """Write the self-contained HTML report.

        Raises:
            OutputError: If it cannot be written.
        """
        self.result.report(str(path))

    def to_frame(self, part: Part = "runs") -> DataFrame:
        """A pandas DataFrame: "runs" (a row a run), "curves", "table" or "comparisons".

        Raises:
            UsageError: When pandas is not installed, or there is no such part.
        """
        from torchclinic.study.exporting.frames import to_frame

        return to_frame(self.result, part)

    def to_csv(self, path: str | Path, part: Part = "runs") -> None:
        """Write a part (see `to_frame`) as CSV. Needs no extra.

        Raises:
            OutputError: If it cannot be written.
        """
        from torchclinic.study.exporting.files import write_csv

        write_csv(self.result, part, Path(path))

    def to_parquet(self, path: str | Path, part: Part = "runs") -> None:
        """Write a part (see `to_frame`) as Parquet.

        Raises:
            UsageError: When pandas or pyarrow is not installed.
            OutputError: If it cannot be written.
        """
        from torchclinic.study.exporting.files import write_parquet

        write_parquet(self.result, part, Path(path))

    def to_tensorboard(self, folder: str | Path) -> None:
        """Write the curves for TensorBoard: the mean over the seeds, one line an arm.

        Raises:
            UsageError: When tensorboard is not installed.
            OutputError: If it cannot be written.
        """
        from torchclinic.study.exporting.tensorboard import write_tensorboard

        write_tensorboard(self.result, Path(folder))

    def save(self, folder: str | Path) -> None:
        """Write the study as the folder that `compare(store=...)` would have kept.

        Raises:
            OutputError: If it cannot be written.
        """
        from torchclinic.study.exporting.saving import save_study

        save_study(self, Path(folder))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON-ready values."""
        return self.result.to_dict()

    def __str__(self) -> str:
        return str(self.result)

    def __repr__(self) -> str:
        return (
            f"<Study {self.result.name!r}: {len(self.arms)} arms x {len(self.result.seeds)} seeds>"
        )

    def _repr_html_(self) -> str:
        return self.result._repr_html_()

    def _check(self, arm: str) -> None:
        if arm not in self.arms:
            raise UsageError(
                f"there is no arm {arm!r}", hint=f"one of {', '.join(map(repr, self.arms))}"
            )

    def _compared(self, before: str, after: str) -> StudyComparison | None:
        for known in (*self.result.against_baseline, *self.result.pairs):
            if (known.before, known.after) == (before, after):
                return known
        result = self.result
        scores = {
            arm: scores_of([run for run in result.runs if run.arm == arm]) for arm in self.arms
        }
        present = [arm for arm in self.arms if scores[arm]]
        base = result.baseline
        family = pairs_with(base, present) if base in (before, after) else all_pairs(present)
        judged = Judged(result.metric, result.higher_is_better, result.split)
        return compare_pair(
            before, after, scores, judged, confidence=result.confidence, against=family
        )

    def find_trace(self, arm: str, seed: int) -> Trace | None:
        """The readings of a run; None when it was not watched."""
        for found in self.runs.get(arm, ()):
            if found.seed == seed and found.run is not None and found.run.trace is not None:
                return found.run.trace
        stored = self.source.stored.get(arm)
        if self.source.folder is None or stored is None:
            return None
        return read_trace(self.source.folder, (stored.folder, seed))
