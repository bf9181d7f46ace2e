"""The engine on a cluster of this machine."""

import os
import signal
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from engine.recipes import mse, recipe, with_step
from torchclinic.core import LossError, Splits, UsageError
from torchclinic.engine import RunsInterrupted, run_arms

run_on_ray = partial(run_arms, engine="ray")
pytestmark = pytest.mark.usefixtures("cluster")
ARMS = {"slow": recipe(), "fast": recipe(optimizer=lambda ps: torch.optim.Adam(ps, lr=0.02))}


def numbers(results):
    return {
        (r.arm, r.seed): (r.run.history.losses, r.run.history.evaluations)
        for runs in results.values()
        for r in runs
        if r.run is not None
    }


def test_results_are_bitwise_those_of_this_process():
    told, booked = [], []
    results = run_arms(ARMS, [2, 0, 1], engine="ray", progress=told.append, on_result=booked.append)
    assert numbers(results) == numbers(run_arms(ARMS, [2, 0, 1], parallel=1))
    assert list(results) == ["slow", "fast"]
    assert [r.seed for r in results["fast"]] == [2, 0, 1]
    assert all(r.error is None and r.note == "" and r.seconds > 0 for r in booked)
    assert [p.done for p in told] == list(range(7))


@pytest.mark.slow
def test_short_watched_and_tested_runs_are_the_same_too():
    x, y = recipe().data
    data = Splits(train=(x[:32], y[:32]), test=(x[32:], y[32:]))
    asked = {"max_steps": 5, "test": True, "watch_first": True}
    there = run_on_ray({"a": recipe(data=data)}, [4, 2], **asked)
    here = run_arms({"a": recipe(data=data)}, [4, 2], parallel=1, **asked)
    assert numbers(there) == numbers(here)
    first, second = there["a"]
    assert first.run.trace.layers
    assert second.run.trace is None
    assert first.run.history.last("test") is not None


@pytest.mark.slow
def test_a_worker_computes_on_one_thread_and_away_from_here():
    def step(model, batch):
        assert torch.get_num_threads() == 1
        raise LossError(f"in {os.getpid()}")

    (result,) = run_on_ray({"a": with_step(step)}, [0])["a"]
    assert result.error.startswith("in ")
    assert result.error != f"in {os.getpid()}"


def test_an_error_of_the_user_is_told_once_and_stops_no_other(tmp_path):
    tries = tmp_path / "tries"

    def refuse(model, batch):
        with tries.open("a") as file:
            file.write("x")
        raise ValueError("not today")

    results = run_on_ray({"bad": with_step(refuse), "good": recipe()}, [0])
    (bad,), (good,) = results.values()
    plain = run_arms({"bad": with_step(refuse)}, [0], parallel=1)["bad"][0]
    assert bad.error == plain.error
    assert "not today" in bad.error
    assert len(tries.read_text()) == 2  # here and there
    assert good.run is not None


def test_a_worker_that_is_killed_in_a_run_costs_only_time(tmp_path):
    marker = tmp_path / "died"

    def die_once(model, batch):
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return mse(model, batch)

    results = run_on_ray({"dies": with_step(die_once), "lives": recipe()}, range(3))
    plain = run_arms({"dies": with_step(mse), "lives": recipe()}, range(3), parallel=1)
    assert numbers(results) == numbers(plain)
    notes = [r.note for runs in results.values() for r in runs if r.note]
    assert notes == ["the worker was lost: WorkerCrashedError"]
    assert marker.exists()


@pytest.mark.slow
def test_a_run_that_always_kills_its_worker_is_given_up():
    def die(model, batch):
        os.kill(os.getpid(), signal.SIGKILL)

    (dies,), (lives,) = run_on_ray({"dies": with_step(die), "lives": recipe()}, [0]).values()
    assert dies.run is None
    assert "the worker was lost" in dies.error
    assert not dies.skipped
    assert lives.run is not None


@pytest.mark.slow
def test_an_interrupt_keeps_what_is_finished_and_cancels_the_rest(tmp_path, cluster):
    pids = tmp_path / "pids"
    finished = []

    def endless(model, batch):
        with pids.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(1000)

    def stop(result):
        finished.append(result)
        deadline = time.monotonic() + 60
        while not pids.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        raise KeyboardInterrupt

    with pytest.raises(RunsInterrupted) as caught:
        run_on_ray({"ends": recipe(), "hangs": with_step(endless)}, [0], on_result=stop)
    (ends,), (hangs,) = caught.value.results.values()
    assert ends.run is not None
    assert finished == [ends]
    assert hangs.error == "interrupted"
    assert eventually_gone(int(pids.read_text().split()[0]))


def eventually_gone(pid):
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_a_deadline_leaves_whole_pairs():
    def idle(model, batch):
        time.sleep(0.02)
        return mse(model, batch)

    arms = {"a": with_step(idle), "b": with_step(idle)}
    results = run_on_ray(arms, range(100), deadline=2.0)
    done = {arm: {r.seed for r in runs if r.run is not None} for arm, runs in results.items()}
    assert 0 < len(done["a"]) < 100
    assert len(done["a"] ^ done["b"]) <= 2
    left = [r for r in results["a"] if r.run is None]
    assert all(r.skipped and "2 s allowed" in r.error for r in left)


@pytest.mark.slow
def test_at_most_so_many_run_at_a_time(tmp_path):
    def alone(model, batch):
        mine = tmp_path / str(os.getpid())
        mine.touch()
        time.sleep(0.01)
        count = len(list(tmp_path.iterdir()))
        mine.unlink()
        if count > 1:
            raise LossError(f"{count} at a time")
        return mse(model, batch)

    results = run_on_ray({"a": with_step(alone)}, range(3), parallel=1)
    assert [r.error for r in results["a"]] == [None] * 3


def test_nothing_to_run_is_nothing():
    assert run_on_ray({}, range(3)) == {}
    assert run_on_ray(ARMS, []) == {"slow": (), "fast": ()}


def test_the_global_streams_and_threads_are_untouched():
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    run_on_ray({"a": recipe()}, [0])
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads
    assert threading.active_count() < 50


@pytest.mark.parametrize("bad", [{"seeds": [1, 1]}, {"deadline": 0}, {"parallel": 0}])
def test_senseless_calls_are_refused(bad):
    seeds = bad.pop("seeds", [0])
    with pytest.raises(UsageError):
        run_on_ray(ARMS, seeds, **bad)
