"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from torchclinic.core import OutputError


def write_text(text: str, path: str | os.PathLike[str]) -> Path:
    """Write `text` as UTF-8: first beside the target, then renamed over it.

    A full disk or a kill leaves the old file as it was.

    Args:
        text: What to write.
        path: Where; the folder must exist.

    Returns:
        The path.

    Raises:
        OutputError: If the folder is missing, the path is a folder, or it cannot be written.
    """
    target = Path(path).expanduser()
    _check(target)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:80]}.", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            _permissions_of_a_new_file(Path(name))
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written: {error.strerror or error}",
            hint="give a path in a folder that you may write to and that has room",
        ) from error
    return target


def _check(target: Path) -> None:
    if target.is_dir():
        raise OutputError(
            f"{target} is a folder", hint=f"give a file, such as {target}/report.html"
        )
    parent = target.parent
    if not parent.exists():
        raise OutputError(
            f"{target} cannot be written: there is no folder {parent}",
            hint=f"make it first: mkdir -p {parent}",
        )
    if not parent.is_dir():
        raise OutputError(f"{target} cannot be written: {parent} is no folder")


def _permissions_of_a_new_file(path: Path) -> None:
    """What open() would have given: a temporary file is readable by its owner only."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
