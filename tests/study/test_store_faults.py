"""Processes that die, and processes that work side by side."""

import fcntl
import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from study.studies import arms, recipe
from torchclinic.core import OutputError
from torchclinic.engine.forking import warm_up
from torchclinic.study import compare, load_study
from torchclinic.study.store import worker

FORK = multiprocessing.get_context("fork")
KILLS = 20
ARMS, SEEDS = 3, 4
RUNS = ARMS * SEEDS


def scores(study):
    return {(run.arm, run.seed): run.score for run in study.result.runs}


def losses(study):
    return {
        (arm, found.seed): found.run.history.losses
        for arm, runs in study.runs.items()
        for found in runs
    }


def stamps(folder):
    found = (p for p in Path(folder).glob("runs/*/seed-*.json") if "failed" not in p.name)
    return {p: (p.stat().st_ino, p.stat().st_mtime_ns, p.read_bytes()) for p in found}


def work(folder, steps, options, pipe):
    """A process that works on a study and tells what it made."""
    study = compare(longer(steps), seeds=SEEDS, store=folder, engine="sequential", **options)
    pipe.send((study.result.meta["runs"], scores(study)))
    pipe.close()


def longer(steps):
    return {name: found.replace(steps=steps) for name, found in arms(ARMS).items()}


def begin(folder, steps=12, **options):
    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=work, args=(folder, steps, options, theirs))
    process.start()
    theirs.close()
    return process, ours


@pytest.mark.parametrize("parallel", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_killed_at_20_random_moments_nothing_is_lost_and_nothing_made_twice(tmp_path, parallel):
    """A study that gets finished between two kills makes way for a new one."""
    luck, folders = random.Random(parallel), [tmp_path / "0"]
    expected = losses(compare(arms(ARMS), seeds=SEEDS, engine="sequential", parallel=1))
    whole = seconds_undisturbed(tmp_path / "undisturbed", parallel)
    known, in_the_middle = {}, 0
    for _ in range(KILLS):
        process, pipe = begin(folders[-1], parallel=parallel)
        time.sleep(luck.uniform(0.1 * whole, 0.7 * whole))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        pipe.close()
        now = stamps(folders[-1]) if folders[-1].exists() else {}
        assert {path: now.get(path) for path in known} == known
        assert all(json.loads(content)["version"] == 1 for *_, content in now.values())
        in_the_middle += 0 < len(now) < RUNS
        known = now
        if len(now) == RUNS:
            folders.append(tmp_path / str(len(folders)))
            known = {}
    assert in_the_middle >= 5
    for folder in folders:
        check_that_it_can_be_finished(folder, parallel, expected)


def seconds_undisturbed(folder, parallel):
    warm_up()  # what each process would import anew
    started = time.perf_counter()
    process, pipe = begin(folder, parallel=parallel)
    process.join()
    pipe.close()
    return time.perf_counter() - started


def check_that_it_can_be_finished(folder, parallel, expected):
    known = stamps(folder) if folder.exists() else {}
    study = compare(arms(ARMS), seeds=SEEDS, store=folder, engine="sequential", parallel=parallel)
    made, kept = RUNS - len(known), len(known)
    assert study.result.meta["runs"] == f"{made} made by this process, {kept} were there"
    assert losses(study) == expected
    after = stamps(folder)
    assert {path: after[path] for path in known} == known
    assert len(after) == RUNS
    assert not list((folder / ".work" / "unfinished").iterdir())
    assert not list((folder / ".work" / "claims").glob("*.json"))


def test_two_processes_share_one_study(tmp_path):
    folder = tmp_path / "study"
    crew = [begin(folder, parallel=1) for _ in range(2)]
    told = [pipe.recv() for _, pipe in crew]
    for process, pipe in crew:
        process.join()
        pipe.close()
        assert process.exitcode == 0
    made = [int(words.split()[0]) for words, _ in told]
    assert sum(made) == RUNS
    assert len(stamps(folder)) == RUNS
    expected = scores(compare(arms(ARMS), seeds=SEEDS, engine="sequential", parallel=1))
    assert told[0][1] == told[1][1] == expected


def test_the_runs_of_a_process_that_is_killed_are_taken_over(tmp_path):
    folder = tmp_path / "study"
    slow = {"slow": recipe(steps=1000)}
    first = FORK.Process(
        target=compare,
        args=(slow,),
        kwargs={"seeds": 3, "store": folder, "engine": "sequential", "parallel": 1},
    )
    first.start()
    while not list(folder.glob(".work/claims/*.json")):
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGSTOP)  # it keeps its claim until it is killed below
    told = []

    def listener(progress):
        told.append(progress.waiting_for)
        if progress.waiting_for and first.is_alive():
            os.kill(first.pid, signal.SIGKILL)
            first.join()

    study = compare(slow, seeds=3, store=folder, engine="sequential", parallel=1, progress=listener)
    assert any(told)
    assert study.result.row("slow").n == 3
    assert load_study(folder).result.row("slow").n == 3
    first.join()


def stop_outside_the_lock(process, folder):
    """Stop a process that has claims, but not in the middle of claiming."""
    while True:
        os.kill(process.pid, signal.SIGSTOP)
        with (folder / ".work/claims/.lock").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                os.kill(process.pid, signal.SIGCONT)
                time.sleep(0.01)


def test_a_stopped_process_is_waited_for(tmp_path):
    """It may go on: its runs are its own until it is dead."""
    folder = tmp_path / "study"
    process, pipe = begin(folder, steps=400, parallel=1)
    while not list(folder.glob(".work/claims/*.json")):
        time.sleep(0.002)
    stop_outside_the_lock(process, folder)
    assert list(folder.glob(".work/claims/*.json"))
    waited = []

    def listener(progress):
        if progress.waiting_for:
            waited.append(progress.waiting_for)
            os.kill(process.pid, signal.SIGCONT)

    study = compare(
        longer(400), seeds=SEEDS, store=folder, engine="sequential", parallel=1, progress=listener
    )
    words, theirs = pipe.recv()
    process.join()
    pipe.close()
    assert str(process.pid) in waited[0]
    assert theirs == scores(study)
    assert int(words.split()[0]) + int(study.result.meta["runs"].split()[0]) == RUNS


def test_a_process_stopped_while_it_claims_is_named_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "PATIENCE", 0.3)
    lock = tmp_path / "lock"
    with (
        worker.exclusive(lock),
        pytest.raises(OutputError, match="locked by another process"),
        worker.exclusive(lock),
    ):
        pass
    with worker.exclusive(lock):
        assert lock.exists()
