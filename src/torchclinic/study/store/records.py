"""One run as a JSON record and back, without the loss of a bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchclinic.core import Evaluation, History, Run
from torchclinic.engine import ArmRun
from torchclinic.study.store.text import as_number, column, from_column, number

VERSION = 1


def to_record(result: ArmRun, made_by: Mapping[str, str]) -> dict[str, Any]:
    """A finished run as nested plain values; curves are columns, which pandas reads.

    Args:
        result: With a run.
        made_by: Where and with what it was made.
    """
    assert result.run is not None
    history = result.run.history
    return {
        "version": VERSION,
        "arm": result.arm,
        "seed": result.seed,
        "recipe": result.run.recipe,
        "ending": history.ending,
        "seconds": result.seconds,
        "note": result.note,
        "history": {
            "metric": history.metric,
            "higher_is_better": history.higher_is_better,
            "steps_per_epoch": history.steps_per_epoch,
            "planned_steps": history.planned_steps,
            "best_step": history.best_step,
            "seconds": number(history.seconds),
        },
        "evaluations": {
            "step": [e.step for e in history.evaluations],
            "split": [e.split for e in history.evaluations],
            "loss": column([e.loss for e in history.evaluations]),
            "metric": column([e.metric for e in history.evaluations]),
        },
        "steps": {
            "loss": column(history.losses),
            "learning_rate": column(history.learning_rates),
            "gradient_norm": column(history.gradient_norms),
        },
        "made_by": dict(made_by),
    }


def from_record(record: Mapping[str, Any]) -> ArmRun:
    """The run that `to_record` was given, without its trace.

    Raises:
        KeyError, TypeError, ValueError: If it is no such record.
    """
    if record["version"] != VERSION:
        raise ValueError(f"its version is {record['version']}, this torchclinic reads {VERSION}")
    facts, curves, steps = record["history"], record["evaluations"], record["steps"]
    rows = zip(
        curves["step"],
        curves["split"],
        from_column(curves["loss"]),
        from_column(curves["metric"]),
        strict=True,
    )
    history = History(
        losses=from_column(steps["loss"]),
        learning_rates=from_column(steps["learning_rate"]),
        gradient_norms=from_column(steps["gradient_norm"]),
        evaluations=tuple(Evaluation(*row) for row in rows),
        metric=facts["metric"],
        higher_is_better=facts["higher_is_better"],
        steps_per_epoch=facts["steps_per_epoch"],
        planned_steps=facts["planned_steps"],
        ending=record["ending"],
        best_step=facts["best_step"],
        seconds=as_number(facts["seconds"]) or 0.0,
    )
    run = Run(record["recipe"], record["seed"], history)
    return ArmRun(record["arm"], record["seed"], run, None, record["seconds"], record["note"])
