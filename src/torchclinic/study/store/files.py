"""Files that are always whole: written aside, forced to disk, then given their name."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from torchclinic.core import OutputError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_once(path: Path, text: str, aside: Path) -> bool:
    """Give the text the name `path`, unless there is a file of that name already.

    At any moment `path` is not there or whole, however the process ends.

    Args:
        path: The name it gets.
        text: The content.
        aside: A name on the same file system that nobody else uses.

    Returns:
        Whether this call wrote it.

    Raises:
        OutputError: If it cannot be written; nothing is left behind.
    """
    with _told(path, aside):
        _write(aside, text)
        try:
            os.link(aside, path)
        except FileExistsError:
            aside.unlink()
            return False
        aside.unlink()
        _force_to_disk(path.parent)
    return True


def replace(path: Path, text: str, aside: Path) -> None:
    """Give the text the name `path`, in place of what had it.

    Args:
        path: The name it gets.
        text: The content.
        aside: A name on the same file system that nobody else uses.

    Raises:
        OutputError: If it cannot be written; what was there is untouched.
    """
    with _told(path, aside):
        _write(aside, text)
        aside.replace(path)
        _force_to_disk(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder and those above it; OutputError if that cannot be done."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {str(path)!r} cannot be made: {error.strerror}", hint="choose another"
        ) from error


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = memoryview(text.encode())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _force_to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _told:  # noqa: N801 - reads as a word in a with statement
    """Turns an OSError into an OutputError and removes what was written aside."""

    def __init__(self, path: Path, aside: Path) -> None:
        self._path, self._aside = path, aside

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None:
            return
        with contextlib.suppress(OSError):
            self._aside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            full = error.errno in _FULL
            raise OutputError(
                f"{str(self._path)!r} cannot be written: {error.strerror or error}",
                hint="free some space and run the same study again: what is finished is kept"
                if full
                else "choose another folder for the study",
            ) from error
