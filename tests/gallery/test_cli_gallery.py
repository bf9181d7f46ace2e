"""`torchclinic gallery` as a user meets it."""

import io
import resource
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from torchclinic.cli.app import app
from torchclinic.cli.ticker import Ticker
from torchclinic.core import Registry


def torchclinic(*args, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "torchclinic", *args],
        capture_output=True, text=True, cwd=cwd, timeout=100, check=False,
    )  # fmt: skip


@pytest.fixture
def gallery(planted, monkeypatch):
    """A gallery of planted experiments."""

    def of(*names):
        registry = Registry("experiment")
        for name in names:
            registry.add(planted[name].name, planted[name])
        monkeypatch.setattr("torchclinic.gallery.GALLERY", registry)
        return CliRunner()

    return of


def test_the_list_is_quick():
    begun = processor_seconds()
    done = torchclinic("gallery")
    assert done.returncode == 0
    assert "sigmoid-paralysis" in done.stdout
    assert processor_seconds() - begun < 1.5  # 0.3 s; with torch it would be 2


def processor_seconds():
    """Of the processes that this one has waited for."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def test_wrong_use_is_said_in_two_lines(tmp_path):
    done = torchclinic("gallery", "sigmoid-paralysys", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no experiment 'sigmoid-paralysys'" in done.stderr
    assert "sigmoid-paralysis" in done.stderr
    assert torchclinic("gallery", "x", "--all").returncode == 2
    assert torchclinic("gallery", "slope-bound", "--seeds", "0").returncode == 2
    assert not list(tmp_path.iterdir())


def test_one_is_run_and_told(gallery, tmp_path):
    done = gallery("good").invoke(app, ["gallery", "good-one", "-o", str(tmp_path / "g")])
    assert done.exit_code == 0, done.output
    assert 'HOLDS        "It holds."' in done.output
    assert (tmp_path / "g" / "good-one" / "result.json").is_file()


def test_all_goes_on_after_a_failure_and_says_so(gallery, tmp_path):
    done = gallery("bad", "good").invoke(app, ["gallery", "--all", "-o", str(tmp_path)])
    assert done.exit_code == 1
    assert "bad-one failed: ValueError: planted" in done.output
    assert "1 of 2 failed: bad-one" in done.output
    assert "HOLDS" in done.output
    assert (tmp_path / "index.html").is_file()


def test_an_interrupt_says_what_is_kept(gallery, tmp_path):
    done = gallery("good", "stopped").invoke(
        app, ["gallery", "--all", "--parallel", "1", "-o", str(tmp_path)]
    )
    assert done.exit_code == 130
    assert "1 experiments are kept" in done.output


def test_resume_says_what_it_kept(gallery, tmp_path):
    gallery("good").invoke(app, ["gallery", "--all", "-o", str(tmp_path)])
    done = gallery("good", "noted").invoke(
        app, ["gallery", "--all", "--resume", "-o", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    assert "1 of 2 were kept from an earlier run" in done.output


def test_options_for_all_are_refused_without_it(gallery, tmp_path):
    for more in (["-j", "2"], ["--resume"]):
        done = gallery("good").invoke(app, ["gallery", "good-one", "-o", str(tmp_path), *more])
        assert done.exit_code == 2
        assert "are for --all" in done.output


def test_missing_libraries_are_named(gallery, tmp_path, monkeypatch):
    monkeypatch.setattr("torchclinic.gallery.extras.NEEDED", ("matplotlib", "no_such_library"))
    done = gallery("good").invoke(app, ["gallery", "good-one", "-o", str(tmp_path / "g")])
    assert done.exit_code == 2
    assert "no_such_library" in done.output
    assert 'pip install "torchclinic[gallery]"' in done.output


def test_progress_with_the_time_left():
    assert Ticker.line(0.5, "training", 200.0) == " 50 %  about 3 min left  training"
    assert Ticker.line(0.0, "training", 5.0) == "  0 %  training"
    assert len(Ticker.line(0.5, "x" * 200, 10.0)) < 80


def test_progress_in_a_file_gets_rare_with_time(monkeypatch):
    clock = iter(range(100_000))
    monkeypatch.setattr("torchclinic.cli.ticker.time.monotonic", lambda: next(clock))
    stream = io.StringIO()
    with Ticker(stream=stream) as ticker:
        for second in range(3600):
            ticker.tell(second / 3600, "training")
    lines = stream.getvalue().splitlines()
    assert 30 < len(lines) < 60
    assert lines[0].startswith("-   0 %")
    assert lines[-1] > "-  90 %"
