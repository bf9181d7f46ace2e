"""Whether an exception is the fault of the code that watches, and not of the model."""

from __future__ import annotations

import traceback
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_WATCHING = tuple(_ROOT / part for part in ("clinic", "graph", "probes", "watch"))
_PASSING_ON = "__torch_function__"  # it calls torch for the model, which may rightly refuse


def raised_by_us(error: BaseException) -> bool:
    """Whether torchclinic's own hooks were running inside of somebody's code when it was raised.

    Such an error must reach the user as it is: nothing about their model is to be changed.

    Args:
        error: As it was caught around that code, with its traceback.

    >>> try:
    ...     1 / 0
    ... except ZeroDivisionError as error:
    ...     raised_by_us(error)
    False
    """
    frames = traceback.extract_tb(error.__traceback__)
    entered = next((i for i, frame in enumerate(frames) if not _in(frame, (_ROOT,))), len(frames))
    return any(_in(frame, _WATCHING) and frame.name != _PASSING_ON for frame in frames[entered:])


def _in(frame: traceback.FrameSummary, folders: tuple[Path, ...]) -> bool:
    path = Path(frame.filename)
    return any(path.is_relative_to(folder) for folder in folders)
