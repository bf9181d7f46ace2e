"""The example script runs as its own words say."""

import runpy
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "examples" / "seminar.py"


def test_the_seminar_runs_on_digits(tmp_path, monkeypatch, capsys):
    report = tmp_path / "seminar.html"
    words = ["--data", "digits", "--epochs", "1", "--seeds", "2", "--engine", "sequential"]
    monkeypatch.setattr(
        sys, "argv", ["seminar.py", *words, "-o", str(report), "--markdown", "--store", "x"]
    )
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(SCRIPT), run_name="__main__")
    printed = capsys.readouterr().out
    for arm in ("baseline", "dropout 0.3", "DropConnect 0.2", "BatchNorm", "LayerNorm"):
        assert f"| {arm} | 0." in printed
    assert report.stat().st_size > 1000
    assert len(list((tmp_path / "x" / "runs").glob("*/seed-*.json"))) == 10
