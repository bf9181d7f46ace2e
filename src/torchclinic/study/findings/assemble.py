"""assemble: the outcome of a study from its runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from torchclinic.core import (
    StudyArm,
    StudyBest,
    StudyComparison,
    StudyResult,
    StudyRow,
    StudyRun,
)
from torchclinic.core.trace import merge_notes
from torchclinic.engine import ArmRun
from torchclinic.study.findings.best import find_best
from torchclinic.study.findings.comparisons import (
    MOST_ARMS_IN_PAIRS,
    Scores,
    all_pairs,
    compare_all,
    pairs_with,
)
from torchclinic.study.findings.curves import curves_of
from torchclinic.study.findings.power_words import study_power
from torchclinic.study.findings.rows import DROPPED, MISSING, scores_of, study_row, study_run
from torchclinic.study.judged import Judged

_ORDER = {"better": 0, "worse": 1, "inconclusive": 2}


def assemble(  # noqa: PLR0913 - everything after what it is judged by is by name
    arms: Sequence[StudyArm],
    results: Mapping[str, Sequence[ArmRun]],
    judged: Judged,
    *,
    name: str = "study",
    seeds: Sequence[int] = (),
    dropped: Mapping[str, str] | None = None,
    confidence: float = 0.95,
    notes: Sequence[str] = (),
    seconds: float = 0.0,
    meta: Mapping[str, str] | None = None,
) -> StudyResult:
    """The outcome of a study.

    Args:
        arms: All arms, one of them the baseline.
        results: Arm -> its runs in the order of the seeds; none for dropped arms.
        judged: Metric, direction and part of the data.
        name: Of the study.
        seeds: The seeds.
        dropped: Arm -> why it was not run.
        confidence: Of intervals and tests.
        notes: What a reader must know, from whoever made the runs.
        seconds: Wall time.
        meta: Facts for the record.
    """
    left_out = dropped or {}
    runs = {arm.name: _runs(arm.name, results, left_out, seeds, judged) for arm in arms}
    scores: Scores = {arm: scores_of(found) for arm, found in runs.items()}
    baseline = next((arm.name for arm in arms if arm.baseline), "")
    against, pairs = _comparisons(scores, baseline, judged, confidence)
    alone = against if len(against) == 1 else ()  # of two arms it is the only pair
    best = find_best(scores, judged, pairs or alone, confidence=confidence)
    told = sorted(against, key=lambda c: _ORDER[c.judgement])
    return StudyResult(
        name=name,
        arms=tuple(arms),
        seeds=tuple(seeds),
        metric=judged.metric,
        higher_is_better=judged.higher_is_better,
        split=judged.split,
        rows=_rows(runs, best, confidence),
        runs=tuple(run for found in runs.values() for run in found),
        curves=curves_of([result for found in results.values() for result in found]),
        against_baseline=against,
        pairs=pairs,
        best=best,
        verdicts=(*((best.sentence,) if best else ()), *(c.sentence for c in told)),
        power=study_power(against, metric=judged.metric, confidence=confidence),
        notes=merge_notes((*notes, *left_out_notes(left_out), *_run_notes(runs, judged))),
        confidence=confidence,
        seconds=seconds,
        meta=dict(meta or {}),
    )


def _comparisons(
    scores: Scores, baseline: str, judged: Judged, confidence: float
) -> tuple[tuple[StudyComparison, ...], tuple[StudyComparison, ...]]:
    """Those with the baseline, and all pairs where they are more than that."""
    present = [arm for arm in scores if scores[arm]]
    with_it = pairs_with(baseline, present) if baseline in present else []
    against = compare_all(with_it, scores, judged, confidence=confidence)
    if not 2 < len(present) <= MOST_ARMS_IN_PAIRS:
        return against, ()
    return against, compare_all(all_pairs(present), scores, judged, confidence=confidence)


def _rows(
    runs: Mapping[str, Sequence[StudyRun]], best: StudyBest | None, confidence: float
) -> tuple[StudyRow, ...]:
    shares = best.shares if best else {}
    return tuple(
        study_row(arm, found, confidence=confidence, best_share=shares.get(arm, math.nan))
        for arm, found in runs.items()
    )


def left_out_notes(dropped: Mapping[str, str]) -> tuple[str, ...]:
    """One sentence an arm that was not run."""
    return tuple(f"{arm} was {why}" for arm, why in dropped.items())


def _runs(
    arm: str,
    results: Mapping[str, Sequence[ArmRun]],
    dropped: Mapping[str, str],
    seeds: Sequence[int],
    judged: Judged,
) -> tuple[StudyRun, ...]:
    if arm in dropped:
        return tuple(StudyRun(arm, s, ending=DROPPED, error=dropped[arm]) for s in seeds)
    return tuple(replace(study_run(r, judged), arm=arm) for r in results.get(arm, ()))


def _run_notes(runs: Mapping[str, Sequence[StudyRun]], judged: Judged) -> list[str]:
    notes: list[str] = []
    if judged.split == "train":
        notes.append(
            "judged on the training loss at the end of the runs: there is no validation or test "
            "data, so nothing is said of generalisation"
        )
    for arm, found in runs.items():
        notes += _arm_notes(arm, found)
    return [*notes, *_shared_notes(runs)]


def _shared_notes(runs: Mapping[str, Sequence[StudyRun]]) -> list[str]:
    """How runs were made, where that is worth knowing: each note once, with the arms it is on."""
    arms: dict[str, list[str]] = {}
    for arm, found in runs.items():
        for note in dict.fromkeys(run.note for run in found if run.note):
            arms.setdefault(note, []).append(arm)
    whole = [arm for arm, found in runs.items() if found]
    return [
        f"{'all arms' if len(names) == len(whole) > 1 else ', '.join(names)}: {note}"
        for note, names in arms.items()
    ]


def _arm_notes(arm: str, runs: Sequence[StudyRun]) -> list[str]:
    """What went wrong with the runs of an arm."""
    notes: list[str] = []
    failed = [run for run in runs if run.score is None and run.ending not in (MISSING, DROPPED)]
    if failed:
        notes.append(f"{arm}: {len(failed)} of {len(runs)} runs failed: {failed[0].error}")
    missing = [run for run in runs if run.ending == MISSING]
    if missing:
        notes.append(f"{arm}: {len(missing)} of {len(runs)} runs are missing: {missing[0].error}")
    diverged = sum(run.ending == "diverged" for run in runs)
    if diverged:
        notes.append(
            f"{arm}: {diverged} of {len(runs)} runs diverged; its mean is over the others, in "
            "comparisons they count as worse than any run that did not"
        )
    return notes
