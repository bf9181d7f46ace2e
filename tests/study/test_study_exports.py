import builtins
import csv
import importlib.util
import math

import numpy as np
import pandas as pd
import pytest

from study.studies import arms, recipe
from torchclinic.core import OutputError, UsageError
from torchclinic.study import compare
from torchclinic.study.exporting import columns, needs
from torchclinic.study.showing.bands import band

HERE = {"engine": "sequential", "parallel": 1}
PARTS = ("runs", "curves", "table", "comparisons")


@pytest.fixture(scope="module")
def study():
    return compare({**arms(3), "a/b": recipe(steps=9)}, seeds=6, **HERE)


def test_a_row_for_each_thing(study):
    lengths = {part: len(study.to_frame(part)) for part in PARTS}
    points = sum(len(curve.points) for curve in study.result.curves)
    assert lengths == {"runs": 24, "curves": points, "table": 4, "comparisons": 3 + 6}
    runs = study.to_frame()
    means = runs.groupby("arm").score.mean()
    for row in study.result.rows:
        assert means[row.arm] == pytest.approx(row.mean)


def test_comparisons_name_their_family(study):
    found = study.to_frame("comparisons")
    assert list(found.corrected_with) == ["baseline"] * 3 + ["pairs"] * 6
    assert (found.holm_p >= found.sign_flip_p).all()
    assert ((found.low <= found.difference) & (found.difference <= found.high)).all()


@pytest.mark.parametrize("part", PARTS)
def test_csv_and_parquet_come_back(study, tmp_path, part):
    frame = study.to_frame(part)
    study.to_csv(tmp_path / "x.csv", part)
    study.to_parquet(tmp_path / "x.parquet", part)
    read = pd.read_csv(tmp_path / "x.csv", keep_default_na=False)
    assert list(read.columns) == list(frame.columns)
    assert len(read) == len(frame)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "x.parquet"), frame)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.csv", "x.parquet"]


def test_csv_keeps_every_digit(study, tmp_path):
    study.to_csv(tmp_path / "x.csv", "curves")
    with (tmp_path / "x.csv").open() as file:
        read = [float(row["value"]) for row in csv.DictReader(file)]
    assert read == list(study.to_frame("curves").value)


def test_paths_that_cannot_be_written(study, tmp_path):
    for write in (study.to_csv, study.to_parquet):
        with pytest.raises(OutputError, match="no folder"):
            write(tmp_path / "none" / "x")
        with pytest.raises(OutputError):
            write(tmp_path)
    with pytest.raises(UsageError, match="'rows'"):
        columns(study.result, "rows")


def test_tensorboard_has_one_line_an_arm(study, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    study.to_tensorboard(tmp_path / "logs")
    folders = sorted(p.name for p in (tmp_path / "logs").iterdir())
    assert folders == ["a_b", "lr 0.01", "lr 0.1", "lr 1.0"]
    log = EventAccumulator(str(tmp_path / "logs" / "lr 1.0")).Reload()
    found = band(study.result, "lr 1.0", "validation", "metric")
    events = log.Scalars("accuracy/validation")
    assert [e.step for e in events] == list(found.steps)
    assert [e.value for e in events] == pytest.approx(found.mean)
    assert "band/accuracy/validation/low" in log.Tags()["scalars"]
    with pytest.raises(OutputError, match="there already"):
        study.to_tensorboard(tmp_path / "logs")


def test_bands_are_mean_and_range_over_the_seeds(study):
    found = band(study.result, "lr 0.1", "train", "loss")
    losses = np.array([r.run.history.losses for r in study.runs["lr 0.1"]])
    assert found.mean == pytest.approx(losses.mean(axis=0))
    assert found.low == pytest.approx(losses.min(axis=0))
    assert found.high == pytest.approx(losses.max(axis=0))


def test_the_plot_shows_every_arm_and_every_difference(study):
    figure = study.plot()
    curves, forest = figure.axes
    assert [t.get_text() for t in curves.get_legend().get_texts()] == list(study.arms)
    assert len(forest.get_yticks()) == 3
    assert curves.get_ylabel() == "validation accuracy"
    assert study.plot("train", "loss").axes[0].get_ylabel() == "train loss"
    with pytest.raises(UsageError, match="there are: "):
        study.plot("test", "loss")


def test_the_plot_survives_a_study_that_diverged():
    from functools import partial

    from torch.optim import SGD

    broken = recipe(steps=60, metric=None, optimizer=partial(SGD, lr=1e30))
    study = compare({"diverges": broken, "too": broken}, seeds=2, **HERE)
    assert study.plot("train", "loss").axes
    assert math.isnan(study.result.rows[0].mean)


@pytest.mark.parametrize(
    ("package", "call", "extra"),
    [
        ("pandas", lambda s, p: s.to_frame(), "tables"),
        ("pyarrow", lambda s, p: s.to_parquet(p / "x"), "tables"),
        ("matplotlib", lambda s, p: s.plot(), "plots"),
        ("tensorboard", lambda s, p: s.to_tensorboard(p / "x"), "tensorboard"),
    ],
)
def test_missing_extras_say_what_to_type(study, tmp_path, monkeypatch, package, call, extra):
    there = importlib.util.find_spec
    monkeypatch.setattr(needs, "find_spec", lambda name: None if name == package else there(name))
    with pytest.raises(UsageError, match=rf'pip install "torchclinic\[{extra}\]"'):
        call(study, tmp_path)


def test_csv_needs_no_extra(study, tmp_path, monkeypatch):
    importing = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] in ("pandas", "pyarrow"):
            raise ImportError(name)
        return importing(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    study.to_csv(tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text().startswith("arm,seed,score")
