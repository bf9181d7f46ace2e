"""Writing a comparison to a file."""

from __future__ import annotations

import os
from pathlib import Path

from torchclinic.core import StudyResult, UsageError
from torchclinic.render.output import write_text


def write_study_report(result: StudyResult, path: str | os.PathLike[str]) -> Path:
    """Write the self-contained HTML report; a path that ends in ".json" gets the JSON instead.

    Args:
        result: What came of a study.
        path: Where; the folder must exist. The file appears whole or not at all.

    Returns:
        The path.

    Raises:
        OutputError: If it cannot be written.
        UsageError: If `result` is no StudyResult.
    """
    if not isinstance(result, StudyResult):
        raise UsageError(f"a comparison is made of a StudyResult, not of {type(result).__name__}")
    if os.fspath(path).lower().endswith(".json"):
        from torchclinic.render.comparison.plain import study_to_dict
        from torchclinic.render.plain import to_json

        return write_text(to_json(study_to_dict(result)) + "\n", path)
    from torchclinic.render.comparison.page import render_study_page

    return write_text(render_study_page(result), path)
