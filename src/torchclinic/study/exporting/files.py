"""CSV and Parquet files of a study."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from torchclinic.core import OutputError, StudyResult
from torchclinic.study.exporting.frames import columns, to_frame
from torchclinic.study.exporting.needs import need
from torchclinic.study.store.files import replace


def write_csv(result: StudyResult, part: str, path: Path) -> None:
    """Write a part of a study as CSV; numbers keep all their digits.

    Raises:
        UsageError: When there is no such part.
        OutputError: If it cannot be written.
    """
    table = columns(result, part)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    _insist_on_folder(path)
    replace(path, text.getvalue(), _beside(path))


def write_parquet(result: StudyResult, part: str, path: Path) -> None:
    """Write a part of a study as Parquet.

    Raises:
        UsageError: When pandas or pyarrow is not installed, or there is no such part.
        OutputError: If it cannot be written.
    """
    need("pyarrow", "tables")
    frame = to_frame(result, part)
    _insist_on_folder(path)
    aside = _beside(path)
    try:
        frame.to_parquet(aside, index=False)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise OutputError(
            f"{str(path)!r} cannot be written: {error}", hint="choose another path"
        ) from error


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def _insist_on_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise OutputError(
            f"there is no folder {str(path.parent)!r}", hint="make it, or choose another path"
        )
