"""A process that works on a study: alive for as long as it holds its lock."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torchclinic.core import OutputError, UsageError

PATIENCE = 60.0  # seconds; what is done under the lock takes milliseconds
_LOOK_EVERY = 0.005


class Worker:
    """Holds an exclusive lock on a file of its own until it is closed or the process ends.

    The kernel drops the lock with the process, however that ends, so that the others need no
    clock and no heartbeat to know what a dead process has left behind.

    Args:
        folder: Where the workers of a study have their files.

    Attributes:
        name: Host, process number and a random part.

    Raises:
        OutputError: If the file cannot be made or the file system has no locks.
    """

    def __init__(self, folder: Path) -> None:
        host = socket.gethostname().replace(".", "_")
        self.name = f"{host}-{os.getpid()}-{secrets.token_hex(3)}"
        self._path = folder / self.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor: int | None = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            _lock(self._descriptor)
        except OSError as error:
            raise OutputError(
                f"{str(folder)!r} cannot be used by this process: {error.strerror or error}",
                hint="put the study on a local disk with free space",
            ) from error

    def close(self) -> None:
        """Drop the lock and remove the file."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def alive(folder: Path, name: str) -> bool:
    """Whether the worker of that name still holds its lock.

    Args:
        folder: Where the workers of the study have their files.
        name: As `Worker.name`.
    """
    try:
        descriptor = os.open(folder / name, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Inside, no other process is inside with the same path.

    Raises:
        OutputError: If the file cannot be made, or another process stays inside, as one does that
            was stopped there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(
            f"{str(path)!r} cannot be made: {error.strerror}", hint="choose another folder"
        ) from error
    try:
        _wait_for(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path) -> None:
    """Obtain a lock that nobody holds for longer than it takes to write a few small files."""
    ends = time.monotonic() + PATIENCE
    while not _lock(descriptor):
        if time.monotonic() > ends:
            raise OutputError(
                f"{str(path)!r} has been locked by another process for {PATIENCE:.0f} s",
                hint="is one of this study stopped? let it go on, or end it",
            )
        time.sleep(_LOOK_EVERY)


def _lock(descriptor: int) -> bool:
    """Whether the lock was obtained."""
    try:
        import fcntl
    except ImportError as error:
        raise UsageError(
            "a study's folder needs file locks, which this platform lacks",
            hint="run the study without store=",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
