"""Many experiments: side by side or in turn, one fails, one is killed, Ctrl-C, and going on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from torchclinic.core import UsageError
from torchclinic.gallery import Failure, Settings, read_result, run_all
from torchclinic.gallery.overall import Overall

INTERRUPTED = """
import sys
from pathlib import Path

import torchclinic.gallery
from torchclinic.cli.app import app
from torchclinic.core import Registry
from torchclinic.gallery.experiment import read_experiment

sys.path.insert(0, {root!r})
planted = Registry("experiment")
for name in ("good_one", "slow_one", "slow_two"):
    planted.add(name.replace("_", "-"), read_experiment(
        Path({root!r}) / "planted_gallery" / f"{{name}}.py", "planted_gallery"))
torchclinic.gallery.GALLERY = planted
app(["gallery", "--all", "-j", "3", "-o", {out!r}])
"""


def numbers(folder):
    document = json.loads((folder / "result.json").read_text("utf-8"))
    return {name: value for name, value in document.items() if name != "seconds"}


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_failure_does_not_stop_the_others(planted, tmp_path, parallel):
    done = run_all([planted["bad"], planted["good"]], Settings(out=tmp_path), parallel=parallel)
    assert isinstance(done[0], Failure)
    assert done[0].error == "ValueError: planted"
    assert "in run" in done[0].traceback
    assert done[1].experiment == "good-one"
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "bad-one" in page
    assert "ValueError: planted" in page


def test_side_by_side_gives_what_one_after_the_other_gives(planted, tmp_path):
    for parallel in (1, 3):
        order = [planted["good"], planted["bad"], planted["good"]]
        done = run_all(order, Settings(out=tmp_path / str(parallel)), parallel=parallel)
        assert [isinstance(result, Failure) for result in done] == [False, True, False]
    one, three = (tmp_path / name / "good-one" for name in ("1", "3"))
    assert numbers(one) == numbers(three)
    for file in ("still.png", "still.svg", "move.gif"):
        assert (one / file).read_bytes() == (three / file).read_bytes()


def test_the_longest_begin_first_and_the_page_keeps_its_order(planted, tmp_path):
    told = []
    order = [planted["good"], planted["noted"]]
    assert order[1].minutes > order[0].minutes
    results = run_all(order, Settings(out=tmp_path), told.append, parallel=2)
    assert [result.experiment for result in results] == ["good-one", "noted-one"]
    page = (tmp_path / "index.html").read_text("utf-8")
    assert page.index("good-one/") < page.index("noted-one/")
    assert len(told) == 2


def test_experiments_side_by_side_have_a_core_each(planted, tmp_path):
    results = run_all([planted["noted"], planted["good"]], Settings(out=tmp_path), parallel=2)
    assert results[0].numbers["cores"] == 1
    assert results[0].numbers["pid"] != os.getpid()


def test_a_process_that_is_killed_is_a_failure(planted, tmp_path):
    done = run_all([planted["killed"], planted["good"]], Settings(out=tmp_path), parallel=2)
    assert isinstance(done[0], Failure)
    assert "killed by SIGKILL" in done[0].error
    assert done[1].experiment == "good-one"


def test_an_interrupt_keeps_what_is_done(planted, tmp_path):
    order = [planted["good"], planted["stopped"], planted["bad"]]
    with pytest.raises(KeyboardInterrupt):
        run_all(order, Settings(out=tmp_path), parallel=1)
    assert read_result(tmp_path / "good-one").number == 1
    assert "good-one" in (tmp_path / "index.html").read_text("utf-8")


def test_ctrl_c_ends_the_processes_and_says_how_to_go_on(planted, tmp_path):
    assert planted["good"]
    script = INTERRUPTED.format(root=str(tmp_path), out=str(tmp_path / "out"))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    pids = tmp_path / "pids"
    until = time.monotonic() + 60
    while time.monotonic() < until and not (
        (tmp_path / "out" / "good-one" / "result.json").exists()
        and pids.exists()
        and len(pids.read_text("utf-8").split()) == 2
    ):
        time.sleep(0.1)
    time.sleep(1.5)  # the parent hears of what is done within a second
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "1 experiments are kept" in err
    assert "--resume" in err
    assert "HOLDS" in out
    children = [int(pid) for pid in pids.read_text("utf-8").split()]
    assert len(children) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_resume_runs_only_what_is_missing(planted, tmp_path):
    settings, order = Settings(out=tmp_path), [planted["good"], planted["noted"]]
    run_all([planted["good"]], settings)
    before = (tmp_path / "good-one" / "result.json").stat().st_mtime_ns
    told = []
    done = run_all(order, settings, told.append, resume=True)
    assert [result.experiment for result in done] == ["good-one", "noted-one"]
    assert [result.experiment for result in told] == ["noted-one"]
    assert (tmp_path / "good-one" / "result.json").stat().st_mtime_ns == before
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "good-one/" in page
    assert "noted-one/" in page
    (tmp_path / "index.html").unlink()
    told.clear()
    run_all(order, settings, told.append, resume=True)
    assert not told
    assert (tmp_path / "index.html").is_file()


@pytest.mark.parametrize("change", ["seeds", "fast", "data", "version", "cut"])
def test_resume_takes_nothing_of_other_settings(planted, tmp_path, change):
    run_all([planted["good"]], Settings(out=tmp_path))
    file = tmp_path / "good-one" / "result.json"
    settings = {
        "seeds": Settings(out=tmp_path, seeds=2),
        "fast": Settings(out=tmp_path, fast=True),
        "data": Settings("mnist", out=tmp_path),
    }.get(change, Settings(out=tmp_path))
    if change == "version":
        document = json.loads(file.read_text("utf-8"))
        document["versions"]["torch"] = "1.0"
        file.write_text(json.dumps(document), "utf-8")
    if change == "cut":
        file.write_text(file.read_text("utf-8")[:100], "utf-8")
    told = []
    run_all([planted["good"]], settings, told.append, resume=True)
    assert len(told) == 1


def test_without_resume_all_is_run_again(planted, tmp_path):
    told = []
    for _ in range(2):
        run_all([planted["good"]], Settings(out=tmp_path), told.append)
    assert len(told) == 2


def test_fewer_than_one_at_a_time_is_refused(planted, tmp_path):
    with pytest.raises(UsageError, match="parallel is 0"):
        run_all([planted["good"]], Settings(out=tmp_path), parallel=0)


def test_the_overall_progress_is_weighed_by_minutes(planted, tmp_path):
    told = []
    settings = Settings(out=tmp_path, tell=lambda share, what: told.append((share, what)))
    one, two = planted["good"], planted["bad"]  # of 1 and 2 minutes
    overall = Overall([one, two, two], settings)
    assert overall.share == 0.0
    overall.begin(0, tells=True).tell(0.5, "training")
    assert told[-1] == (pytest.approx(0.5 / 5), "good-one (1 of 3): training")
    overall.finish(0)
    overall.begin(1, tells=False).tell(0.25, "unheard")
    assert len(told) == 1
    overall.tell()
    assert told[-1] == (pytest.approx(1.5 / 5), "1 of 3 done; now bad-one")
