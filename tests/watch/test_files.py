"""Traces on disk: what was saved comes back, and whatever is no trace is said to be none."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from torchclinic.core import OutputError, Series, Trace, TracedLayer, TraceError, WatchCost
from torchclinic.watch import load_trace, save_trace

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def series(draw):
    values = draw(st.lists(NUMBERS, max_size=8))
    return Series(tuple(range(1, len(values) + 1)), tuple(values))


LAYERS = st.builds(
    TracedLayer,
    name=st.text(max_size=12),
    kind=st.sampled_from(["Linear", "Conv2d"]),
    order=st.integers(0, 5),
    activation=st.none() | st.just("relu"),
    weighted=st.booleans(),
    series=st.dictionaries(st.sampled_from(["gradient_rms", "a/b", ""]), series(), max_size=3),
    not_applicable=st.dictionaries(st.text(max_size=4), st.text(max_size=9), max_size=2),
)
TRACES = st.builds(
    Trace,
    layers=st.lists(LAYERS, max_size=3).map(tuple),
    steps=st.dictionaries(st.sampled_from(["loss", "learning_rate"]), series(), max_size=2),
    cost=st.builds(WatchCost, budget=st.floats(0, 1), share=st.floats(0, 1)),
    notes=st.lists(st.text(max_size=20), max_size=2).map(tuple),
    meta=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if hasattr(a, "__dataclass_fields__"):
        return all(same(getattr(a, name), getattr(b, name)) for name in a.__dataclass_fields__)
    return a == b


@settings(deadline=None, max_examples=60)
@given(TRACES)
def test_what_was_saved_comes_back(tmp_path_factory, trace):
    path = tmp_path_factory.mktemp("trace") / "run.trace"
    trace.save(str(path))
    assert same(load_trace(path), trace)
    assert [file.name for file in path.parent.iterdir()] == ["run.trace"]


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "run.trace"
    save_trace(Trace(steps={"loss": Series((1, 2, 3), (0.3, 0.2, 0.1))}), path)
    return path


def test_a_truncated_file_is_no_trace(saved):
    content = saved.read_bytes()
    for size in (0, 4, 20, len(content) // 2, len(content) - 1):
        saved.write_bytes(content[:size])
        with pytest.raises(TraceError, match=r"run\.trace"):
            load_trace(saved)


def test_foreign_files_are_no_traces(tmp_path):
    foreign = tmp_path / "weights.safetensors"
    save_file({"w": torch.zeros(2)}, foreign)
    with pytest.raises(TraceError, match="no torchclinic trace"):
        load_trace(foreign)
    text = tmp_path / "notes.txt"
    text.write_text("not a trace at all, but long enough to look like one")
    with pytest.raises(TraceError, match="is no trace"):
        load_trace(text)
    with pytest.raises(TraceError, match="no trace file"):
        load_trace(tmp_path / "missing")


@pytest.mark.parametrize(
    "header",
    ['{"version": 99}', "{}", "[]", '{"version": 1, "layers": 3, "steps": []}', "nonsense"],
)
def test_damaged_headers_are_told(tmp_path, header):
    path = tmp_path / "odd.trace"
    save_file({"x": torch.zeros(1)}, path, metadata={"torchclinic-trace": header})
    with pytest.raises(TraceError, match="damaged"):
        load_trace(path)


def test_a_path_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="nowhere"):
        save_trace(Trace(), tmp_path / "nowhere" / "run.trace")
    assert not Path(tmp_path / "nowhere").exists()
