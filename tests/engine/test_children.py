"""What forked children must survive, and what must survive them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch

from engine.recipes import mse, recipe, with_step
from torchclinic.engine import RunsInterrupted, run_arms
from torchclinic.engine import child as child_module
from torchclinic.engine.child import Child, _Watchdog


def in_child_only(action):
    """A recipe that does `action` at its first step, unless it runs in this process."""
    here = os.getpid()

    def step(model, batch):
        if os.getpid() != here:
            action()
        return mse(model, batch)

    return with_step(step)


def kill_myself():
    os.kill(os.getpid(), signal.SIGKILL)


def alone(work):
    child = Child([work])
    child.give(0)
    outcome = child.collect()
    child.kill()
    return outcome


def losses(result):
    assert result.run is not None
    return result.run.history.losses


def test_a_closure_needs_no_pickling():
    lock = multiprocessing.get_context("fork").Lock()  # refuses to be pickled
    arms = {"a": with_step(lambda model, batch: mse(model, batch) * (1 if lock else 0))}
    results = run_arms(arms, range(2), parallel=2)
    assert all(r.run is not None and r.note == "" for r in results["a"])


@pytest.mark.parametrize(
    ("action", "note"),
    [
        (kill_myself, "killed by SIGKILL, perhaps for want of memory"),
        (lambda: os._exit(3), "exit code 3"),
        (lambda: sys.exit(4), "exit code 4"),
    ],
)
def test_a_child_that_dies_is_replaced_by_a_run_in_this_process(action, note):
    arms = {"dies": in_child_only(action), "lives": recipe()}
    results = run_arms(arms, range(2), parallel=2)
    plain = run_arms({"dies": with_step(mse)}, range(2), parallel=1)
    assert all(note in r.note and r.error is None for r in results["dies"])
    assert [losses(r) for r in results["dies"]] == [losses(r) for r in plain["dies"]]
    assert all(r.note == "" for r in results["lives"])


def test_an_untyped_error_is_tried_once_more_in_this_process():
    class NotInAFork(list):
        here = os.getpid()

        def __len__(self):
            if os.getpid() != self.here:
                raise OSError("not in a fork")
            return super().__len__()

    results = run_arms({"a": recipe(data=NotInAFork([recipe().data]))}, range(2), parallel=2)
    assert [r.note for r in results["a"]] == ["OSError: not in a fork"] * 2
    assert all(r.run is not None and r.error is None for r in results["a"])


def test_a_child_that_hangs_is_replaced(monkeypatch):
    monkeypatch.setattr(child_module, "STALLED_SECONDS", 2.0)
    arms = {"hangs": in_child_only(lambda: time.sleep(1000)), "lives": recipe()}
    started = time.monotonic()
    results = run_arms(arms, [0], parallel=2)
    assert time.monotonic() - started < 60
    assert "stood still for 2 s" in results["hangs"][0].note
    assert results["hangs"][0].run is not None
    assert results["lives"][0].note == ""


def test_the_watchdog_forgives_work_and_long_sleeps_of_the_machine(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(child_module.time, "monotonic", lambda: now[0])
    watchdog = _Watchdog()
    for busy in range(100):
        now[0] += 1.0
        assert not watchdog.barks(float(busy))
    now[0] += 10_000.0  # the lid was closed
    assert not watchdog.barks(99.0)
    looks = 0
    while not watchdog.barks(99.0):
        now[0] += 1.0
        looks += 1
    assert 57 <= looks <= 61


def test_an_outcome_that_cannot_be_pickled_is_an_error():
    outcome = alone(lambda: lambda: 1)
    assert outcome.value is None
    assert "cannot be handed over" in str(outcome.error)
    assert not outcome.final


def test_a_result_larger_than_a_pipe_arrives():
    assert alone(lambda: b"x" * 5_000_000).value == b"x" * 5_000_000


def test_a_child_does_one_piece_of_work_after_the_other():
    child = Child([os.getpid, lambda: 1 / 0, kill_myself])
    child.give(0)
    first = child.collect().value
    child.give(1)
    assert child.collect().error == "ZeroDivisionError: division by zero"
    child.give(0)
    assert child.collect().value == first != os.getpid()
    assert child.alive
    child.give(2)
    assert "SIGKILL" in str(child.collect().error)
    assert not child.alive


def test_a_child_that_died_idle_says_so():
    child = Child([os.getpid])
    child.give(0)
    os.kill(child.collect().value, signal.SIGKILL)
    time.sleep(0.1)
    child.give(0)
    assert "SIGKILL" in str(child.collect().error)


def test_no_child_is_left_after_an_error_of_the_caller():
    def stop(result):
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        run_arms(
            {"a": recipe(), "b": with_step(mse)},
            range(9),
            parallel=3,
            on_result=stop,
        )
    assert not multiprocessing.active_children()


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def gone(pids):
    for _ in range(100):
        if not any(map(alive, pids)):
            return True
        time.sleep(0.1)
    return False


def long_study(pids, told):
    """Runs two endless children; says who they are and how it ended."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    first = []

    def step(model, batch):
        if not first:
            first.append(1)
            pids.put(os.getpid())
        time.sleep(0.01)
        return mse(model, batch)

    try:
        run_arms({"a": with_step(step, steps=100_000)}, range(2), parallel=2)
    except RunsInterrupted as interrupt:
        told.send([r.error for r in interrupt.results["a"]])


@pytest.fixture
def study():
    """A process that runs a long study, its children's pids, and what it tells in the end."""
    context = multiprocessing.get_context("fork")
    pids, (told, tells) = context.SimpleQueue(), context.Pipe(duplex=False)
    process = context.Process(target=long_study, args=(pids, tells))
    process.start()
    tells.close()
    children = [pids.get() for _ in range(2)]
    assert all(map(alive, children))
    yield process, children, told
    process.kill()
    process.join()


def test_ctrl_c_ends_parent_and_children(study):
    process, children, told = study
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    assert told.recv() == ["interrupted", "interrupted"]
    process.join(30)
    assert process.exitcode == 0
    assert gone(children)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_die_with_a_parent_that_is_killed(study, number):
    process, children, _ = study
    os.kill(process.pid, number)
    process.join(30)
    assert process.exitcode == -number
    assert gone(children)


HOT = """
    import torch
    from torch import nn
    from engine.recipes import recipe
    from torchclinic.engine import run_arms
    from torchclinic.training import train
    torch.set_num_threads(4)  # OpenMP, MKL, oneDNN and autograd threads start in the parent
    x = torch.randn(600, 600, requires_grad=True)
    (x @ x).relu().sum().backward()
    nn.Conv2d(3, 16, 3)(torch.randn(8, 3, 32, 32)).sum().backward()
    torch.randn(300_000).sort()
    wide = lambda: nn.Sequential(nn.Linear(3, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(),
                                 nn.Linear(512, 1))
    arms = {"wide": recipe(model=wide, batch_size=None, steps=5),
            "conv": recipe(model=lambda: nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv1d(1, 8, 2),
                                                       nn.Flatten(), nn.Linear(16, 1)), steps=5)}
    train(arms["wide"], 0)
    for processes in (2, 1, 2):
        results = run_arms(arms, range(3), parallel=processes)
        print([(r.run.history.losses, r.note) for runs in results.values() for r in runs])
        (x @ x).relu().sum().backward()  # the parent's threads still work
"""


def test_a_fork_of_a_parent_with_busy_threads_does_not_hang():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HOT)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "4", "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    forked, here, again = done.stdout.splitlines()
    assert forked == here == again
    assert "worker" not in forked


def test_a_child_computes_on_one_thread():
    threads = torch.get_num_threads()
    assert alone(torch.get_num_threads).value == 1
    assert torch.get_num_threads() == threads
