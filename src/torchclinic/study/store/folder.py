"""Store: the folder of a study."""

from __future__ import annotations

import contextlib
import itertools
import json
import platform
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import torch

from torchclinic.core import OutputError, Trace, UsageError
from torchclinic.engine import ArmRun
from torchclinic.study.store.claims import Claims, Slot
from torchclinic.study.store.files import make_folder, replace, write_once
from torchclinic.study.store.manifest import FILE, Manifest, StoredArm, read_manifest
from torchclinic.study.store.reading import file_of, read_run, read_trace
from torchclinic.study.store.records import to_record
from torchclinic.study.store.text import to_text
from torchclinic.study.store.worker import Worker, alive, exclusive


class Store:
    """The folder of a study, opened by one process; several may have it open.

    ```text
    study.json                     arms, seeds, metric: what a reader needs to know
    runs/<arm>-<hash>/recipe.json  what decides the arm's numbers
    runs/<arm>-<hash>/seed-3.json  one finished run, written once
    runs/<arm>-<hash>/seed-3.trace its readings, if it was watched
    runs/<arm>-<hash>/seed-3.failed.json   why there is no run
    ```

    Args:
        folder: Made if it is not there.

    Raises:
        OutputError: If it cannot be written.
        UsageError: If it holds something else.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        _insist_on_a_study(self.folder)
        self._runs = self.folder / "runs"
        self._workers = self.folder / ".work" / "workers"
        self._aside = self.folder / ".work" / "unfinished"
        for path in (self._runs, self._workers, self._aside):
            make_folder(path)
        self._mutex = self.folder / ".work" / "lock"
        with exclusive(self._mutex):  # or another process would sweep the file before it is locked
            self._worker = Worker(self._workers)
        self._count = itertools.count()
        self.claims = Claims(
            self.folder / ".work" / "claims", self._workers, self._worker, self._unfinished
        )
        self._opened = time.time()
        self._sweep()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        self._worker.close()

    def manifest(self) -> Manifest | None:
        """study.json; None when there is none yet."""
        return read_manifest(self.folder)

    def describe(self, manifest: Manifest) -> None:
        """Write study.json."""
        with exclusive(self._mutex):
            text = manifest.text()
            if not _holds(self.folder / FILE, text):
                replace(self.folder / FILE, text, self._unfinished())

    def prepare(self, arms: Iterable[StoredArm]) -> None:
        """Make the folders of arms, and write beside their runs what decides them.

        Raises:
            OutputError: If that cannot be done.
        """
        for arm in arms:
            place = self._runs / arm.folder
            make_folder(place)
            if not (place / "recipe.json").exists():
                facts = {"arm": arm.name, "changes": arm.changes, "facts": dict(arm.facts)}
                write_once(place / "recipe.json", to_text(facts) + "\n", self._unfinished())

    def has(self, slot: Slot, *, trace: bool = False) -> bool:
        """Whether the run is there, and its trace, if that is wanted."""
        there = self._path(slot, ".json").exists()
        return there and (not trace or self._path(slot, ".trace").exists())

    def load(self, slot: Slot) -> ArmRun | None:
        """The run, without its trace; None when it is not there.

        Raises:
            DataError: If the file was damaged.
        """
        return read_run(self.folder, slot)

    def failure(self, slot: Slot) -> ArmRun | None:
        """Why the run failed, if it did so since this store was opened."""
        path = self._path(slot, ".failed.json")
        try:
            if path.stat().st_mtime < self._opened:
                return None
            found = json.loads(path.read_text(encoding="utf-8"))
            return ArmRun(found["arm"], slot[1], None, found["error"], found["seconds"])
        except (OSError, ValueError, KeyError):
            return None

    def trace(self, slot: Slot) -> Trace | None:
        """The readings of a run, if it was watched."""
        return read_trace(self.folder, slot)

    def keep(self, slot: Slot, result: ArmRun) -> bool:
        """Write a run that ended, with or without success, and give its claim back.

        Returns:
            Whether a finished run was added: false for one that failed, was not begun, or was
            there already.

        Raises:
            OutputError: If it cannot be written; all that was there is untouched.
        """
        added = False
        if result.run is not None:
            if result.run.trace is not None:
                result.run.trace.save(str(self._path(slot, ".trace")))
            text = to_text(to_record(result, self._made_by())) + "\n"
            added = write_once(self._path(slot, ".json"), text, self._unfinished())
            with contextlib.suppress(OSError):
                self._path(slot, ".failed.json").unlink(missing_ok=True)
        elif not result.skipped:
            why = {"arm": result.arm, "error": result.error, "seconds": result.seconds}
            replace(self._path(slot, ".failed.json"), to_text(why) + "\n", self._unfinished())
        self.claims.release([slot])
        return added

    def seeds_of(self, folder: str) -> tuple[int, ...]:
        """Seeds of the finished runs of an arm."""
        found = (_SEED.match(path.name) for path in (self._runs / folder).glob("seed-*.json"))
        return tuple(sorted(int(match.group(1)) for match in found if match))

    def workers(self) -> Sequence[str]:
        """The processes that have the study open."""
        names = [path.name for path in self._workers.iterdir()]
        return [name for name in names if name == self._worker.name or alive(self._workers, name)]

    def _path(self, slot: Slot, ending: str) -> Path:
        return file_of(self.folder, slot, ending)

    def _unfinished(self) -> Path:
        return self._aside / f"{self._worker.name}.{next(self._count)}"

    def _made_by(self) -> Mapping[str, str]:
        return {
            "worker": self._worker.name,
            "at": time.strftime("%Y-%m-%d %H:%M:%S"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        }

    def _sweep(self) -> None:
        """Remove what dead processes have left behind."""
        self.claims.sweep()
        with exclusive(self._mutex):
            living = set(self.workers())
            for folder in (self._workers, self._aside):
                for path in folder.iterdir():
                    if path.name.partition(".")[0] not in living:
                        with contextlib.suppress(OSError):
                            path.unlink(missing_ok=True)


_SEED = re.compile(r"seed-(-?\d+)\.json$")


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except OSError:
        return False


def _insist_on_a_study(folder: Path) -> None:
    """Refuse a file, or a folder full of other things."""
    if folder.is_file():
        raise UsageError(f"{str(folder)!r} is a file", hint="a study is kept in a folder")
    if folder.is_dir() and not (folder / FILE).exists() and not (folder / "runs").is_dir():
        try:
            others = [path.name for path in folder.iterdir() if path.name != ".work"]
        except OSError as error:
            raise OutputError(
                f"{str(folder)!r} cannot be read: {error.strerror}", hint="choose another folder"
            ) from error
        if others:
            raise UsageError(
                f"{str(folder)!r} holds other things, such as {others[0]!r}",
                hint="give a folder that is empty or not there yet",
            )
