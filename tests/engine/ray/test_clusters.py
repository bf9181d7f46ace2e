"""Clusters that come and go: of our own, at an address, losing nodes, losing their study."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from engine.ray.endless import endless_study
from torchclinic.core import UsageError
from torchclinic.engine.ray.cluster import connected, import_ray

TESTS = Path(__file__).parents[2]


def python(code, timeout=240, **environment):
    """What a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": str(TESTS), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_cluster_of_our_own_is_started_and_ended():
    *_, same, left, handler, environment = python("""
        import os, signal
        import ray
        from engine.recipes import recipe
        from torchclinic.engine import run_arms
        before = signal.getsignal(signal.SIGTERM), dict(os.environ)
        there = run_arms({"a": recipe()}, range(2), engine="ray")["a"]
        here = run_arms({"a": recipe()}, range(2), parallel=1)["a"]
        print([r.run.history.losses for r in there] == [r.run.history.losses for r in here])
        print(ray.is_initialized())
        print(signal.getsignal(signal.SIGTERM) == before[0])
        print({k for k in os.environ if os.environ[k] != before[1].get(k)})
    """)
    assert (same, left, handler) == ("True", "False", "True")
    assert "RAY_USAGE_STATS_ENABLED" not in environment


@pytest.mark.slow
def test_a_session_keeps_one_cluster_for_many_calls():
    *_, pids, left = python("""
        import os
        import ray
        from engine.recipes import with_step
        from torchclinic.core import LossError
        from torchclinic.engine import engine_session, run_arms

        def step(model, batch):
            raise LossError(str(os.getppid()))

        with engine_session("ray", parallel=1):
            calls = [run_arms({"a": with_step(step)}, [0], engine="ray") for _ in range(3)]
        print({call["a"][0].error for call in calls})
        print(ray.is_initialized())
    """)
    assert len(pids.split(",")) == 1  # one raylet, the parent of all workers
    assert left == "False"


@pytest.mark.slow
def test_an_address_without_a_cluster_is_refused_in_words():
    ray = import_ray()
    assert not ray.is_initialized()
    with (
        pytest.raises(UsageError, match=r"no Ray cluster at 'auto'.*ray start --head"),
        connected(ray, "auto", cores=None, size=0),
    ):
        raise AssertionError("it was connected")
    assert not ray.is_initialized()


@pytest.mark.slow
def test_a_node_that_is_lost_costs_only_time(tmp_path):
    *_, same, notes = python(f"""
        import os, time, threading
        import ray
        from ray.cluster_utils import Cluster
        from engine.recipes import mse, recipe, with_step
        from torchclinic.engine import run_arms

        started = {str(tmp_path)!r}
        cluster = Cluster(initialize_head=True, head_node_args={{"num_cpus": 1}})
        doomed = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()

        def slowly(model, batch):
            open(os.path.join(started, ray.get_runtime_context().get_node_id()), "w").close()
            time.sleep(0.05)
            return mse(model, batch)

        def doom():
            while len(os.listdir(started)) < 2:
                time.sleep(0.05)
            cluster.remove_node(doomed, allow_graceful=False)

        killer = threading.Thread(target=doom, daemon=True)
        killer.start()
        arms = {{"a": with_step(slowly, steps=60)}}
        there = run_arms(arms, range(4), engine="ray", address=cluster.address)["a"]
        killer.join()
        plain = run_arms({{"a": with_step(mse, steps=60)}}, range(4), parallel=1)["a"]
        losses = [[r.run.history.losses for r in runs] for runs in (there, plain)]
        print(losses[0] == losses[1])
        print([r.note for r in there if r.note])
        cluster.shutdown()
    """)
    assert same == "True"
    assert "the worker was lost" in notes


@pytest.fixture
def study(tmp_path):
    """Such a study under way: its process, worker and raylet, and what it tells in the end."""
    context = multiprocessing.get_context("spawn")
    seen = tmp_path / "seen"
    told, tells = context.Pipe(duplex=False)
    process = context.Process(target=endless_study, args=(str(seen), tells))
    process.start()
    tells.close()
    end = time.monotonic() + 120
    while not (seen.exists() and len(seen.read_text().split()) == 2):
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(2.0)  # the short run beside it ends
    yield process, list(map(int, seen.read_text().split())), told
    process.kill()
    process.join()


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished_and_ends_the_cluster(study):
    process, others, told = study
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    assert told.poll(60)
    assert told.recv() == {"ends": None, "hangs": "interrupted"}
    process.join(60)
    assert process.exitcode == 0
    assert all(map(eventually_gone, others))


@pytest.mark.slow
def test_a_cluster_of_our_own_dies_with_a_study_that_is_killed(study):
    process, others, _ = study
    process.kill()
    process.join()
    assert all(map(eventually_gone, others))


def eventually_gone(pid):
    for _ in range(600):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
