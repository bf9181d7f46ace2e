"""Histories, traces, extensions and findings: what a reader of them relies on."""

import pytest

from torchclinic.core import (
    Diagnosis,
    Evaluation,
    Finding,
    History,
    Level,
    Series,
    Stage,
    Trace,
    TracedLayer,
    UsageError,
    errors,
)
from torchclinic.core.extensions import call, provide


def finding(level, code="GRD101"):
    return Finding(code, "name", level, "title", "why", (), Stage.NUMERICS)


def test_a_diagnosis_is_healthy_without_errors_and_warnings():
    assert Diagnosis().healthy
    assert Diagnosis((finding(Level.INFO),)).healthy
    sick = Diagnosis((finding(Level.INFO), finding(Level.WARNING, "LRN101")))
    assert not sick.healthy
    assert sick.root.code == "LRN101"
    assert Diagnosis().root is None


def test_curves_leave_out_what_was_not_measured():
    history = History(
        evaluations=(
            Evaluation(1, "validation", 0.5),
            Evaluation(2, "validation", 0.4, 0.9),
            Evaluation(2, "train", 0.3, 0.95),
        )
    )
    assert history.curve("validation") == ((1, 0.5), (2, 0.4))
    assert history.curve("validation", "metric") == ((2, 0.9),)
    assert history.last("train").loss == 0.3
    assert history.last("test") is None


def test_a_profile_takes_the_step_that_is_asked_for():
    layers = tuple(
        TracedLayer(name, "Linear", order, series={"x": Series((1, 5), (order, order + 10))})
        for order, name in enumerate("ab")
    )
    trace = Trace(layers)
    assert trace.profile("x") == {"a": 10, "b": 11}
    assert trace.profile("x", step=1) == {"a": 0, "b": 1}
    assert trace.profile("x", step=3) == {}
    with pytest.raises(KeyError):
        trace.layer("c")


def test_extensions_are_looked_up_late():
    provide("power", "operator:pow")
    assert call("power", 2, 10) == 1024
    with pytest.raises(UsageError, match="no_such"):
        call("no_such")


def test_every_error_is_a_torchclinic_error_and_says_the_way_out():
    tree = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ]
    assert len(tree) > 10
    for kind in tree:
        assert issubclass(kind, errors.TorchclinicError)
        assert str(kind("bad 3", hint="use 4")) == "bad 3 (use 4)"
        assert kind.__name__ in errors.__doc__
