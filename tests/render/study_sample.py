"""Realistic studies to render: six arms over ten seeds, and its harder relatives."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
import statistics

from torchclinic.core import (
    PairedComparison,
    StudyArm,
    StudyBest,
    StudyComparison,
    StudyCurve,
    StudyResult,
    StudyRow,
    StudyRun,
)

NAN, INF = math.nan, math.inf
HOSTILE = "</script><img src=x onerror=alert(1)>{{7*7}}&\"'\u202e"
LEVELS = {
    "sigmoid": 0.902,
    "sigmoid + he": 0.921,
    "relu": 0.958,
    "relu + dropout 0.2": 0.961,
    "relu + batch norm": 0.972,
    "relu + layer norm": 0.969,
}
SEEDS = tuple(range(10))
STEPS = 900


def rise(step, late, half):
    return 0.1 + (late - 0.1) / (1 + (half / (step + 1)) ** 2.0)


def curves_of(arm, seed, late, *, steps=STEPS, nan_from=None):
    rng = random.Random(f"{arm} {seed}")
    half = rng.uniform(60, 140)

    def stop(step, value):
        return NAN if nan_from is not None and step >= nan_from else value

    places = range(0, steps + 1, max(1, steps // 18))
    metric = [(s, stop(s, rise(s, late, half) + rng.gauss(0, 0.006))) for s in places]
    loss = [(s, stop(s, -math.log(min(0.99, max(v, 0.02))))) for s, v in metric]
    train = [
        (k, stop(k, -math.log(rise(k, 0.99 * late, half)) + abs(rng.gauss(0, 0.05))))
        for k in range(1, steps + 1)
    ]
    return (
        StudyCurve(arm, seed, "validation", "metric", tuple(metric)),
        StudyCurve(arm, seed, "validation", "loss", tuple(loss)),
        StudyCurve(arm, seed, "train", "loss", tuple(train)),
        StudyCurve(arm, seed, "test", "metric", ((steps, late),)),
    )


def row(arm, runs):
    good = [r.score for r in runs if r.score is not None and math.isfinite(r.score)]
    mean = statistics.fmean(good) if good else NAN
    half = 2.26 * statistics.stdev(good) / math.sqrt(len(good)) if len(good) > 1 else INF
    return StudyRow(
        arm,
        len(good),
        mean,
        statistics.median(good) if good else NAN,
        mean - half,
        mean + half,
        statistics.stdev(good) if len(good) > 1 else NAN,
        2.31 if good else NAN,
        STEPS,
        failed=sum(r.ending == "failed" for r in runs),
        diverged=sum(r.ending == "diverged" for r in runs),
        missing=sum(r.ending == "missing" for r in runs),
        best_share=NAN,
    )


def compared(before, after, runs, metric, *, higher=True, family=5):
    pairs = [
        (a.seed, a.score, b.score)
        for a, b in zip(runs[before], runs[after], strict=True)
        if a.score is not None and b.score is not None and math.isfinite(a.score + b.score)
    ]
    gains = [b - a for _, a, b in pairs] or [NAN]
    mean = statistics.fmean(gains)
    spread = statistics.stdev(gains) if len(gains) > 1 else 0.0
    half = 2.0 * spread / math.sqrt(len(gains))
    ahead = sum((g > 0) == higher for g in gains)
    p = 0.002 if half and abs(mean) > 1.3 * half else 0.31
    judgement = "inconclusive"
    if p < 0.05:
        judgement = "better" if (mean > 0) == higher else "worse"
    found = PairedComparison(
        metric=metric,
        higher_is_better=higher,
        seeds=tuple(s for s, _, _ in pairs),
        before=tuple(a for _, a, _ in pairs),
        after=tuple(b for _, _, b in pairs),
        mean_difference=mean,
        low=mean - half,
        high=mean + half,
        confidence=0.95,
        p_value=p,
        effect_size=mean / spread if spread else INF,
        superiority=ahead / len(gains),
    )
    words = f"{after} is {judgement} than {before} by {mean:.3f}"
    return StudyComparison(
        before, after, found, min(1.0, p * family), p, p * family, family, judgement, words
    )


def study(levels=None, seeds=SEEDS, *, baseline=0, name="sigmoid against relu", broken=()):
    levels = LEVELS if levels is None else levels
    names = list(levels)
    runs = {
        arm: [
            StudyRun(
                arm,
                seed,
                NAN if arm in broken and seed % 3 == 0 else scored(arm, seed, late),
                STEPS,
                2.0 + seed / 10,
                "diverged" if arm in broken and seed % 3 == 0 else "budget",
            )
            for seed in seeds
        ]
        for arm, late in levels.items()
    }
    curves = [
        c
        for arm, late in levels.items()
        for seed in seeds
        for c in curves_of(
            arm, seed, late, nan_from=400 if arm in broken and seed % 3 == 0 else None
        )
    ]
    base = names[baseline] if names else ""
    rows = tuple(row(arm, runs[arm]) for arm in names)
    known = [r for r in rows if math.isfinite(r.mean)]
    best = max(known, key=lambda r: r.mean).arm if known else ""
    against = tuple(compared(base, arm, runs, "accuracy") for arm in names if arm != base)
    shares = {arm: 0.7 if arm == best else 0.3 / max(1, len(names) - 1) for arm in names}
    return StudyResult(
        name=name,
        arms=tuple(StudyArm(arm, "", i, arm == base) for i, arm in enumerate(names)),
        seeds=tuple(seeds),
        metric="accuracy",
        higher_is_better=True,
        rows=tuple(
            dataclasses.replace(r, best_share=shares[r.arm] if len(names) > 1 else NAN)
            for r in rows
        ),
        runs=tuple(itertools.chain(*runs.values())),
        curves=tuple(curves),
        against_baseline=against,
        pairs=tuple(
            compared(a, b, runs, "accuracy", family=15) for a, b in itertools.combinations(names, 2)
        )
        if len(names) > 2
        else (),
        best=StudyBest(best, 0.7, shares, (best, names[-1]), f"{best} has the best mean")
        if len(names) > 1
        else None,
        verdicts=(
            f"{best} beats {base} in accuracy by 0.070, beyond chance (Holm p = 0.010)",
            "relu + layer norm and relu + batch norm are not told apart by 10 seeds",
        ),
        power=("To see a difference of 0.003 between the two best you need 31 seeds",),
        notes=("2 runs of sigmoid + he could not be stacked: its model has a custom forward",),
        seconds=146.2,
        meta={"engine": "stacked", "data": "digits", "torch": "2.13.0", "command": "compare x.py"},
    )


def scored(arm, seed, late):
    return late + random.Random(f"score {arm} {seed}").gauss(0, 0.004)


def one_arm():
    return study({"relu": 0.95}, name="one arm")


def diverged():
    return study(broken=("sigmoid + he",), name="one arm diverges")


def dead():
    """An arm without any score, one whose runs fail, one that was never run."""
    given = study({"a": 0.9, "dies": 0.9, "fails": 0.9, "left out": 0.9}, range(3), name="dead")
    ends = {
        "dies": ("diverged", INF, ""),
        "fails": ("failed", None, "LossError: no loss today"),
        "left out": ("missing", None, "not begun: 3 s of the 3 s allowed are spent"),
    }
    runs = tuple(
        dataclasses.replace(r, ending=ends[r.arm][0], score=ends[r.arm][1], error=ends[r.arm][2])
        if r.arm in ends
        else r
        for r in given.runs
    )
    grouped = {a.name: [r for r in runs if r.arm == a.name] for a in given.arms}
    return dataclasses.replace(
        given,
        runs=runs,
        rows=tuple(row(arm, found) for arm, found in grouped.items()),
        against_baseline=tuple(compared("a", arm, grouped, "accuracy") for arm in ends),
        curves=tuple(c for c in given.curves if c.arm in ("a", "dies")),
    )


def hostile(name=HOSTILE):
    """Every text that a user controls is `name`; the numbers do not depend on it."""
    given = study({str(i): 0.9 + i / 50 for i in range(3)}, range(3), name=name)

    def renamed(one, *fields, **more):
        new = {field: f"{name}{getattr(one, field)}" for field in fields}
        return dataclasses.replace(one, **new, **more)

    def compared_again(found):
        one = dataclasses.replace(found.comparison, metric=name)
        return renamed(found, "before", "after", comparison=one, sentence=name)

    return dataclasses.replace(
        given,
        metric=name,
        arms=tuple(renamed(a, "name", changes=name) for a in given.arms),
        rows=tuple(renamed(r, "arm") for r in given.rows),
        curves=tuple(renamed(c, "arm") for c in given.curves),
        runs=tuple(renamed(r, "arm", error=name, note=name) for r in given.runs),
        against_baseline=tuple(map(compared_again, given.against_baseline)),
        pairs=tuple(map(compared_again, given.pairs)),
        best=renamed(given.best, "arm"),
        verdicts=(name, name),
        power=(name,),
        notes=(name,),
        meta={name: name, "engine": name, "data": name},
    )


def many():
    """Twenty-four arms over ten seeds."""
    return study({f"arm {i:02d} of a large grid": 0.9 + i / 400 for i in range(24)})


def loss_study():
    """Lower is better, one curve, no pairs, no best."""
    levels = {"narrow": 0.3, "wide": 0.1}
    given = study(levels, range(6), name="a regression")
    runs = {a: [r for r in given.runs if r.arm == a] for a in levels}
    return dataclasses.replace(
        given,
        metric="loss",
        higher_is_better=False,
        curves=tuple(c for c in given.curves if c.quantity == "loss"),
        against_baseline=(compared("narrow", "wide", runs, "loss", higher=False),),
        best=StudyBest("wide", 1.0, {"wide": 1.0, "narrow": 0.0}, ("wide",), ""),
    )


def empty():
    return StudyResult("nothing", (), (), "loss", False)


def all_studies():
    return {
        "usual": study(),
        "one-arm": one_arm(),
        "diverged": diverged(),
        "dead": dead(),
        "hostile": hostile(),
        "many": many(),
        "loss": loss_study(),
        "one-seed": study({"a": 0.9, "b": 0.95}, (7,), name="one seed"),
        "empty": empty(),
    }
