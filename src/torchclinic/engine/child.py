"""A forked child process that does work and hands its outcomes back."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import pickle
import signal
import sys
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from torchclinic.engine.cores import keep_to_one_core
from torchclinic.engine.outcome import Outcome, Work, attempt

STALLED_SECONDS = (
    60.0  # without a moment of processor time: it waits for something that never comes
)
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


class Child:
    """A process of its own for one piece of work after the other.

    The child is a copy of this process, so the works need no pickling; only their numbers and
    outcomes travel. It ignores Ctrl-C, which is the parent's to answer, and dies when the parent
    dies.

    Args:
        works: All that it may be given.

    Attributes:
        pipe: Ready to be read when there is an outcome, or when the child has died.
        alive: Whether it can be given more.
    """

    def __init__(self, works: Sequence[Work]) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_live, args=(works, theirs, os.getpid()))
        with warnings.catch_warnings():
            # from 3.12 on; torch's idle threads are what it warns of, and the child uses none
            warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
            self._process.start()
        theirs.close()
        self.alive = True

    def give(self, number: int) -> None:
        """Let it do the work of that number."""
        self._started = time.perf_counter()
        self._watchdog = _Watchdog()
        with suppress(OSError):  # it died idle; collecting will say so
            self.pipe.send(number)

    def collect(self) -> Outcome:
        """The outcome, once the pipe is ready; a child that died gives an outcome that says so."""
        try:
            return pickle.loads(self.pipe.recv_bytes())  # noqa: S301 - from our own child
        except (EOFError, OSError):
            self._process.join()
            outcome = self._failed(_how_it_died(self._process.exitcode))
        except Exception as error:  # noqa: BLE001 - a user's type may fail to unpickle in any way
            outcome = self._failed(f"the result cannot be read: {type(error).__name__}: {error}")
        self.kill()
        return outcome

    def stalled(self) -> Outcome | None:
        """The outcome of a child that has not computed for a minute; None while it works.

        To be asked about once a second. A child that hangs is killed.
        """
        pid = self._process.pid
        if pid is None or not self._watchdog.barks(_processor_seconds(pid)):
            return None
        self.kill()
        return self._failed(f"the worker process stood still for {STALLED_SECONDS:.0f} s")

    def kill(self) -> None:
        """End the child, whatever it does, and wait until it is gone."""
        self.alive = False
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self.pipe.close()

    def _failed(self, error: str) -> Outcome:
        return Outcome(None, error, final=False, seconds=time.perf_counter() - self._started)


class _Watchdog:
    """Notices that a process computes nothing, by looks taken about a second apart.

    It counts looks, not wall time: a laptop that slept has not stalled.
    """

    def __init__(self) -> None:
        self._last = -1.0
        self._looked = 0.0
        self._still = 0.0

    def barks(self, processor_seconds: float) -> bool:
        now = time.monotonic()
        waited = min(now - self._looked, 1.0) if self._looked else 0.0
        self._looked = now
        self._still = 0.0 if processor_seconds > self._last else self._still + waited
        self._last = max(self._last, processor_seconds)
        return self._still >= STALLED_SECONDS


def _live(works: Sequence[Work], pipe: Connection, parent: int) -> None:
    """The life of a child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):  # without libc it is still killed in the parent's orderly end
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
    gc.freeze()  # what is inherited stays shared: no collection writes to it
    torch.set_num_threads(1)
    keep_to_one_core()
    with suppress(EOFError, BrokenPipeError):  # nobody waits for it any more
        while True:
            outcome = attempt(works[pipe.recv()])
            pipe.send_bytes(_packed(outcome))
            sys.stdout.flush()


def _packed(outcome: Outcome) -> bytes:
    try:
        return pickle.dumps(outcome)
    except Exception as error:  # noqa: BLE001 - a user's type may fail to pickle in any way
        told = f"the result cannot be handed over: {type(error).__name__}: {error}"
        return pickle.dumps(Outcome(None, told, final=False, seconds=outcome.seconds))


def _how_it_died(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        memory = ", perhaps for want of memory" if name == "SIGKILL" else ""
        return f"the worker process was killed by {name}{memory}"
    return f"the worker process ended with exit code {exit_code} and no result"


def _processor_seconds(pid: int) -> float:
    """Processor time that a process has used, 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    user, system = fields.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
