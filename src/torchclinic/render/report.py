"""Writing a report file."""

from __future__ import annotations

import os
from pathlib import Path

from torchclinic.core import Diagnosis, Repair, UsageError
from torchclinic.render.output import write_text
from torchclinic.render.plain import diagnosis_to_dict, repair_to_dict, to_json


def write_report(result: Repair | Diagnosis, path: str | os.PathLike[str]) -> Path:
    """Write the self-contained HTML report; a path that ends in ".json" gets the JSON instead.

    Args:
        result: A repair or a diagnosis.
        path: Where; the folder must exist. The file appears whole or not at all.

    Returns:
        The path.

    Raises:
        OutputError: If it cannot be written.
        UsageError: If `result` is neither a Repair nor a Diagnosis.
    """
    if not isinstance(result, (Repair, Diagnosis)):
        raise UsageError(
            f"a report is made of a Repair or a Diagnosis, not of {type(result).__name__}"
        )
    as_json = os.fspath(path).lower().endswith(".json")
    return write_text(_json(result) if as_json else _page(result), path)


def _json(result: Repair | Diagnosis) -> str:
    plain = repair_to_dict(result) if isinstance(result, Repair) else diagnosis_to_dict(result)
    return to_json(plain) + "\n"


def _page(result: Repair | Diagnosis) -> str:
    from torchclinic.render.html.page import render_diagnosis_page, render_repair_page

    if isinstance(result, Repair):
        return render_repair_page(result)
    return render_diagnosis_page(result)
