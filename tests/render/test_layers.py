import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render import sample
from torchclinic.core import Series, Trace, TracedLayer
from torchclinic.render.layers import (
    GRADIENT,
    faulty_trace,
    first_pass,
    labels,
    table,
    tables,
    traces,
)


def a_trace(**values):
    layers = [
        TracedLayer(name, "Linear", order, series={"gradient_rms": Series((1,), (value,))})
        for order, (name, value) in enumerate(values.items())
    ]
    return Trace(layers=tuple(layers))


def test_layers_of_both_sides_are_lined_up():
    found = table(
        GRADIENT, a_trace(a=1.0, b=2.0, d=3.0), a_trace(a=4.0, norm=5.0, b=6.0, c=7.0, d=8.0)
    )
    assert [row.name for row in found.rows] == ["a", "norm", "b", "c", "d"]
    assert found.typical("before") == {"a": 1.0, "b": 2.0, "d": 3.0}
    assert found.typical("after") == {"a": 4.0, "norm": 5.0, "b": 6.0, "c": 7.0, "d": 8.0}


def test_a_layer_that_moved_into_a_wrapper_is_the_same_row():
    wrapped = [("fc1.0", "Linear"), ("fc1.1", "BatchNorm1d"), ("out", "Linear")]
    after = Trace(
        layers=tuple(
            TracedLayer(name, kind, i, series={"gradient_rms": Series((1,), (i + 1.0,))})
            for i, (name, kind) in enumerate(wrapped)
        )
    )
    found = table(GRADIENT, a_trace(fc1=0.1, out=0.2), after)
    assert [row.name for row in found.rows] == ["fc1", "fc1.1", "out"]
    assert found.typical("after") == {"fc1": 1.0, "fc1.1": 2.0, "out": 3.0}


@given(st.permutations("abcdef"), st.integers(0, 6), st.integers(0, 6))
def test_no_layer_is_lost_and_the_first_order_is_kept(names, left, right):
    one, other = names[:left], names[6 - right :]
    rows = table(
        GRADIENT, a_trace(**dict.fromkeys(one, 1.0)), a_trace(**dict.fromkeys(other, 1.0))
    ).rows
    assert {row.name for row in rows} == set(one) | set(other)
    assert [row.name for row in rows if row.name in one] == list(one)


def test_typical_values_are_medians_over_time():
    trace = sample.trace(works=False)
    found = tables(trace, None)[0]
    assert found.statistic.name == "gradient_rms"
    for layer in trace.layers:
        expected = statistics.median(layer["gradient_rms"].values)
        assert math.isclose(found.typical("before")[layer.name], expected)
    low, high = found.span(found.rows[0], "before")
    values = sorted(found.rows[0].before.values)
    assert values[0] < low < high < values[-1]


def test_a_statistic_that_is_zero_everywhere_is_left_out():
    zero = {"silent_share": Series((1, 2), (0.0, 0.0)), "gradient_rms": Series((1,), (1.0,))}
    trace = Trace(layers=(TracedLayer("a", "Linear", 0, series=zero),))
    assert [t.statistic.name for t in tables(trace, None)] == ["gradient_rms"]


def test_another_gradient_stands_in_for_a_missing_one():
    only = Trace(
        layers=(TracedLayer("a", "Linear", 0, series={"gradient_norm": Series((1,), (2.0,))}),)
    )
    assert [t.statistic.name for t in tables(only, None)] == ["gradient_norm"]
    assert tables(None, None) == ()
    assert tables(Trace(), None) == ()


def test_the_first_batch_stands_in_for_a_missing_trace():
    readings = sample.all_diagnoses()["readings-only"]
    trace = faulty_trace(readings)
    assert trace.layers[0]["gradient_rms"].steps == (0,)
    assert trace.layers[-1]["gradient_rms"].last == pytest.approx(1.1e-2)
    assert first_pass(None) is None


def test_the_proofs_trace_comes_before_the_diagnosis_one():
    repair = sample.repair()
    before, after = traces(repair)
    assert before is repair.before[0].trace
    assert after is repair.after[0].trace
    assert traces(sample.not_repaired())[1] is None


NAME = st.lists(st.sampled_from(["body", "block", "0", "1", "attention", "linear"]), min_size=1)


@given(st.sets(NAME.map(".".join), min_size=1, max_size=6), st.integers(8, 30))
def test_labels_fit(names, width):
    ordered = sorted(names)
    found = labels(ordered, width)
    assert len(found) == len(ordered)
    assert all(len(label) <= width for label in found)
    if all(len(name) <= width for name in ordered):
        assert found == ordered


def test_labels_of_a_deep_net_tell_the_layers_apart():
    names = [f"body.blocks.{i}.mixer.projection" for i in range(100)]
    assert len(set(labels(names, 14))) == 100
