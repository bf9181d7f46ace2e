"""From an experiment to its files: complete, the same bytes each time, nothing disturbed."""

import json
import random
import re

import matplotlib as mpl
import numpy as np
import pytest
import torch

from torchclinic.core import OutputError
from torchclinic.gallery import Settings, read_result, run_all, run_experiment


def test_everything_is_written(planted, tmp_path):
    told = []
    settings = Settings(out=tmp_path / "out", tell=lambda share, what: told.append((share, what)))
    result = run_experiment(planted["good"], settings)
    folder = tmp_path / "out" / "good-one"
    names = {path.name for path in folder.iterdir()}
    assert names == {"still.png", "still.svg", "move.gif", "move.png", "result.json", "tensorboard"}
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    kept = read_result(folder)
    assert kept.claims == result.claims
    assert kept.drawings == result.drawings
    assert np.isnan(kept.numbers["lost"])
    assert kept.series["group/x"].values == (0.5, float("inf"))
    assert (kept.question, kept.title) == ("Does it run?", "A planted experiment")
    assert json.loads((folder / "result.json").read_text("utf-8"))["schema"]


def test_the_log_holds_series_numbers_and_pictures(planted, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run_experiment(planted["good"], Settings(out=tmp_path))
    log = EventAccumulator(str(tmp_path / "good-one" / "tensorboard"))
    log.Reload()
    assert [event.value for event in log.Scalars("group/x")] == [0.5]
    assert "numbers/x" in log.Tags()["scalars"]
    assert "numbers/lost" not in log.Tags()["scalars"]
    assert set(log.Tags()["images"]) == {"pictures/still", "pictures/move"}


def test_the_same_run_gives_the_same_bytes(planted, tmp_path):
    files = []
    for place in ("one", "two"):
        run_experiment(planted["good"], Settings(out=tmp_path / place))
        folder = tmp_path / place / "good-one"
        files.append({n: (folder / n).read_bytes() for n in ("still.png", "still.svg", "move.gif")})
    assert files[0] == files[1]


def test_nothing_is_disturbed(planted, tmp_path):
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    settings, threads = dict(mpl.rcParams), torch.get_num_threads()
    run_experiment(planted["good"], Settings(out=tmp_path))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert random.getstate() == before[2]
    assert dict(mpl.rcParams) == settings
    assert torch.get_num_threads() == threads


def test_the_index_is_self_contained(planted, tmp_path):
    run_all([planted["good"]], Settings(out=tmp_path))
    page = (tmp_path / "index.html").read_text("utf-8")
    links = re.findall(r'(?:href|src|srcset)="([^"]+)"', page)
    files = [link for link in links if not link.startswith("#")]
    assert files
    for link in files:
        assert "//" not in link
        assert (tmp_path / link).is_file(), link
    assert "http" not in re.sub(r"http-equiv", "", page)
    assert "<script" not in page
    for anchor in (link for link in links if link.startswith("#")):
        assert f'id="{anchor[1:]}"' in page


def test_the_index_escapes(planted_result, tmp_path):
    from torchclinic.gallery.page import render_index

    page = render_index([planted_result])
    assert "Sentence &lt;holds&gt;." in page
    assert "A title &amp; more" in page
    assert "1 hold, 1 are refuted, 1 are not settled" in page


def test_a_folder_that_cannot_be_made_is_named(planted, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(OutputError, match="file"):
        run_experiment(planted["good"], Settings(out=tmp_path / "file"))
