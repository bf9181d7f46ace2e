"""Diagnosis and Repair as plain JSON values, by the schema in `schemas/`.

JSON knows no NaN and no infinity, and a diverged training is full of them. Here such a number is
the string "NaN", "Infinity" or "-Infinity" (`float()` and JavaScript's `Number()` read all three);
null means "not known". Every document carries `schema`, "torchclinic.diagnosis/1" or
"torchclinic.repair/1"; the number rises when a reader of the older one would break, and fields may
be added without it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from enum import Enum
from importlib.resources import files
from typing import Any, Literal

from torchclinic.core import (
    Case,
    Diagnosis,
    Evaluation,
    Finding,
    History,
    Repair,
    Run,
    Series,
    Trace,
)
from torchclinic.render.numbers import thin

DIAGNOSIS_SCHEMA = "torchclinic.diagnosis/1"
REPAIR_SCHEMA = "torchclinic.repair/1"
SCHEMA: dict[str, Any] = json.loads(
    files("torchclinic.render").joinpath("schemas/torchclinic-1.json").read_text("utf-8")
)


@dataclasses.dataclass(frozen=True)
class Detail:
    """How much of the series goes into a document.

    Attributes:
        points: Points of a series at most; None for all.
        digits: Significant digits of the numbers; None for all.
        traces: Which traces are written: "all", those of the proof's "runs" only, or "none".
    """

    points: int | None = None
    digits: int | None = None
    traces: Literal["all", "runs", "none"] = "all"


FULL = Detail()


def diagnosis_to_dict(diagnosis: Diagnosis, detail: Detail = FULL) -> dict[str, Any]:
    """A Diagnosis as JSON-ready values.

    Args:
        diagnosis: What was found.
        detail: How much of the series is kept; everything by default.

    Returns:
        A dict that `json.dumps(..., allow_nan=False)` takes and that follows `SCHEMA`.

    >>> diagnosis_to_dict(Diagnosis(name="net"))["healthy"]
    True
    """
    document = {
        "schema": DIAGNOSIS_SCHEMA,
        "name": diagnosis.name,
        "healthy": diagnosis.healthy,
        "findings": [_finding(finding) for finding in diagnosis.findings],
        "skipped": dict(diagnosis.skipped),
        "notes": list(diagnosis.notes),
        "seconds": plain_value(diagnosis.seconds),
        "facts": _facts(diagnosis.case, detail),
    }
    return document if detail.digits is None else rounded(document, detail.digits)


def repair_to_dict(repair: Repair, detail: Detail = FULL) -> dict[str, Any]:
    """A Repair as JSON-ready values; models and factories are left out.

    Args:
        repair: What was found, tried and proven.
        detail: How much of the series is kept; everything by default.

    Returns:
        A dict that `json.dumps(..., allow_nan=False)` takes and that follows `SCHEMA`.
    """
    verdict = repair.verdict
    unrounded = dataclasses.replace(detail, digits=None)
    document = {
        "schema": REPAIR_SCHEMA,
        "name": repair.name,
        "data": repair.data,
        "verdict": {
            "outcome": verdict.outcome.value,
            "sentence": verdict.sentence,
            "comparison": None if verdict.comparison is None else plain_value(verdict.comparison),
        },
        "judged_on": repair.judged_on,
        "metric": repair.metric,
        "higher_is_better": repair.higher_is_better,
        "diagnosis": diagnosis_to_dict(repair.diagnosis, unrounded),
        "changes": plain_value(repair.changes),
        "patch": repair.patch,
        "arms": plain_value(repair.arms),
        "before": [_run(run, detail) for run in repair.before],
        "after": [_run(run, detail) for run in repair.after],
        "remaining": _remaining(repair, unrounded),
        "lr_range": None if repair.lr_range is None else plain_value(repair.lr_range),
        "cost": plain_value(repair.cost),
        "environment": plain_value(repair.environment),
        "command": repair.command,
    }
    return document if detail.digits is None else rounded(document, detail.digits)


def to_json(document: Mapping[str, Any], indent: int | None = 2) -> str:
    """The document as JSON text, ASCII only; a NaN that slipped through raises ValueError."""
    return json.dumps(document, indent=indent, allow_nan=False, separators=_separators(indent))


def _separators(indent: int | None) -> tuple[str, str]:
    return (",", ": ") if indent is not None else (",", ":")


def _finding(finding: Finding) -> dict[str, Any]:
    plain = {
        field.name: plain_value(getattr(finding, field.name))
        for field in dataclasses.fields(finding)
        if field.name not in ("stage", "consequences")
    }
    plain["stage"] = finding.stage.name.lower()
    plain["consequences"] = [_finding(consequence) for consequence in finding.consequences]
    return plain


def _facts(case: Case, detail: Detail) -> dict[str, Any]:
    return {
        "recipe": plain_value(case.recipe),
        "batch": plain_value(case.batch),
        "one_batch": plain_value(case.one_batch),
        "lr_range": plain_value(case.lr_range),
        "history": None if case.history is None else _history(case.history, detail),
        "trace": _trace(case.trace, detail) if detail.traces == "all" else None,
    }


def _remaining(repair: Repair, detail: Detail) -> dict[str, Any] | None:
    if repair.remaining is None:
        return None
    return diagnosis_to_dict(repair.remaining, detail)


def _run(run: Run, detail: Detail) -> dict[str, Any]:
    return {
        "recipe": run.recipe,
        "seed": run.seed,
        "history": _history(run.history, detail),
        "trace": _trace(run.trace, detail),
    }


def _history(history: History, detail: Detail) -> dict[str, Any]:
    skip = ("losses", "learning_rates", "gradient_norms", "evaluations")
    plain = {
        field.name: plain_value(getattr(history, field.name))
        for field in dataclasses.fields(history)
        if field.name not in skip
    }
    for name in skip[:-1]:
        values = getattr(history, name)
        plain[name] = _series(Series(tuple(range(1, len(values) + 1)), values), detail)
    plain["evaluations"] = [plain_value(e) for e in _thin_evaluations(history.evaluations, detail)]
    return plain


def _thin_evaluations(
    evaluations: tuple[Evaluation, ...], detail: Detail
) -> tuple[Evaluation, ...]:
    if detail.points is None or len(evaluations) <= detail.points:
        return evaluations
    places, _ = thin(range(len(evaluations)), [e.loss for e in evaluations], detail.points)
    return tuple(evaluations[i] for i in places)


def _trace(trace: Trace | None, detail: Detail) -> dict[str, Any] | None:
    if trace is None or detail.traces == "none":
        return None
    return {
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "order": layer.order,
                "activation": layer.activation,
                "weighted": layer.weighted,
                "series": {name: _series(s, detail) for name, s in layer.series.items()},
                "not_applicable": dict(layer.not_applicable),
            }
            for layer in trace.layers
        ],
        "steps": {name: _series(s, detail) for name, s in trace.steps.items()},
        "cost": plain_value(trace.cost),
        "notes": list(trace.notes),
        "meta": plain_value(trace.meta),
    }


def _series(series: Series, detail: Detail) -> dict[str, Any]:
    steps, values = series.steps, series.values
    if detail.points is not None:
        steps, values = thin(steps, values, detail.points)
    return {"steps": list(steps), "values": plain_value(tuple(values))}


def rounded(document: Any, digits: int) -> Any:
    """The document with every float cut to so many significant digits.

    >>> rounded({"a": [0.123456, 2.0]}, 3)
    {'a': [0.123, 2]}
    """
    if isinstance(document, dict):
        return {key: rounded(value, digits) for key, value in document.items()}
    if isinstance(document, list):
        return [rounded(value, digits) for value in document]
    if not isinstance(document, float):
        return document
    short = float(f"{document:.{digits - 1}e}")
    return int(short) if short == int(short) and abs(short) < 1e9 else short


def plain_value(value: Any) -> Any:
    """Any value of core's types as JSON-ready values; NaN and infinity as words.

    >>> plain_value((1.5, float("nan"), None))
    [1.5, 'NaN', None]
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else _nonfinite(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain_value(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, frozenset)):
        return [plain_value(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _nonfinite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
