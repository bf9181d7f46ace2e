"""A StudyResult as plain JSON values, by the schema in `schemas/torchclinic-study-1.json`."""

from __future__ import annotations

import dataclasses
import json
from importlib.resources import files
from typing import Any

from torchclinic.core import StudyCurve, StudyResult
from torchclinic.render.numbers import thin
from torchclinic.render.plain import FULL, Detail, plain_value, rounded

STUDY = "torchclinic.study/1"
STUDY_SCHEMA: dict[str, Any] = json.loads(
    files("torchclinic.render").joinpath("schemas/torchclinic-study-1.json").read_text("utf-8")
)


def study_to_dict(result: StudyResult, detail: Detail = FULL) -> dict[str, Any]:
    """A StudyResult as JSON-ready values; NaN and infinity are words, null means "not known".

    Args:
        result: What came of the study.
        detail: How much is kept; everything by default. With `traces="runs"` the pairs of arms
            are left out, which follow from the runs; with "none" the curves too.

    Returns:
        A dict that `json.dumps(..., allow_nan=False)` takes and that follows `STUDY_SCHEMA`.

    >>> study_to_dict(StudyResult("s", (), (0, 1), "accuracy", True))["seeds"]
    [0, 1]
    """
    document = {"schema": STUDY} | {
        field.name: plain_value(getattr(result, field.name))
        for field in dataclasses.fields(result)
        if field.name not in ("curves", "pairs")
    }
    document["pairs"] = plain_value(result.pairs if detail.traces == "all" else ())
    shown = result.curves if detail.traces != "none" else ()
    document["curves"] = [_curve(curve, detail) for curve in shown]
    return document if detail.digits is None else rounded(document, detail.digits)


def _curve(curve: StudyCurve, detail: Detail) -> dict[str, Any]:
    steps, values = [s for s, _ in curve.points], [v for _, v in curve.points]
    if detail.points is not None:
        steps, values = thin(steps, values, detail.points)
    return {
        "arm": curve.arm,
        "seed": curve.seed,
        "split": curve.split,
        "quantity": curve.quantity,
        "steps": list(steps),
        "values": plain_value(tuple(values)),
    }
