"""Data sets in CSV files."""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from torch import Tensor

from torchclinic.core import DataError, Splits
from torchclinic.data.split import split


def load_csv(
    path: str | Path,
    *,
    target: str | int = -1,
    delimiter: str = ",",
    test_fraction: float = 0.2,
    seed: int = 0,
) -> Splits:
    r"""Splits from a CSV file with a header line, numbers and one target column.

    A target column of whole numbers becomes int64 classes, one of words is numbered in
    alphabetical order (their names are in `meta["classes"]`), anything else is float32 of shape
    (rows, 1). Features are left as they are.

    Args:
        path: The file, UTF-8.
        target: Name or position of the target column.
        delimiter: Between columns.
        test_fraction: Share set aside for test, 0 for none.
        seed: Decides the split.

    Returns:
        Splits, named after the file.

    Raises:
        DataError: With the line and column of what cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_text("a,kind\n0.5,cat\n1.5,dog\n")
    ...     load_csv(f"{folder}/a.csv", test_fraction=0).train[1].tolist()
    [0, 1]
    """
    header, lines = _read(Path(path), delimiter)
    column = _column(header, target, path)
    features = [name for name in header if name != header[column]]
    rows = [_floats(line, number, header, column, path) for number, line in lines]
    inputs = torch.tensor(rows, dtype=torch.float32)
    targets, classes = _targets([(number, line[column]) for number, line in lines], path)
    whole = (inputs, targets)
    train, test = (
        split(whole, (1 - test_fraction, test_fraction), seed=seed)
        if test_fraction
        else (whole, None)
    )
    meta = {"features": tuple(features), "classes": classes}
    return Splits(train=train, test=test, name=Path(path).stem, meta=meta)


def _read(path: Path, delimiter: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            header = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, line) for line in reader if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if len(header) < 2 or len(set(header)) != len(header):
        raise DataError(
            f"{path} has the header {header}",
            hint="a line of at least two different column names; is the delimiter right?",
        )
    if all(_number(name) is not None for name in header):
        raise DataError(f"{path} starts with numbers {header[:4]}", hint="add a header line")
    for number, line in lines:
        if len(line) != len(header):
            raise DataError(
                f"{path}, line {number}: {len(line)} columns, the header has {len(header)}"
            )
    if not lines:
        raise DataError(f"{path} has a header and no rows")
    return header, lines


def _column(header: list[str], target: str | int, path: str | Path) -> int:
    if isinstance(target, str):
        if target not in header:
            raise DataError(f"{path} has no column {target!r}", hint=f"columns: {header}")
        return header.index(target)
    if not -len(header) <= target < len(header):
        raise DataError(f"{path} has no column {target}", hint=f"it has {len(header)} columns")
    return target % len(header)


def _floats(
    line: list[str], number: int, header: list[str], skip: int, path: str | Path
) -> list[float]:
    values: list[float] = []
    for position, text in enumerate(line):
        if position == skip:
            continue
        value = _number(text)
        if value is None:
            raise DataError(
                f"{path}, line {number}, column {header[position]!r}: {text!r} is no number",
                hint="encode words as numbers and fill gaps first",
            )
        values.append(value)
    return values


def _targets(
    cells: list[tuple[int, str]], path: str | Path
) -> tuple[Tensor, tuple[str, ...] | None]:
    numbers = [_number(text) for _, text in cells]
    known = [value for value in numbers if value is not None]
    if not known:
        names = tuple(sorted({text.strip() for _, text in cells}))
        return torch.tensor([names.index(text.strip()) for _, text in cells]), names
    if len(known) < len(numbers):
        line, text = next(c for c, n in zip(cells, numbers, strict=True) if n is None)
        raise DataError(f"{path}, line {line}: the target {text!r} is no number, others are")
    if all(_whole(text) for _, text in cells):
        return torch.tensor([int(value) for value in known], dtype=torch.int64), None
    return torch.tensor(known, dtype=torch.float32).unsqueeze(1), None


def _whole(text: str) -> bool:
    return text.strip().lstrip("+-").isdigit()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
