from dataclasses import fields

import pytest

from engine.recipes import recipe
from torchclinic.core import UsageError
from torchclinic.engine import Placement, RunsInterrupted, run, run_arms
from torchclinic.engine.call import Call


def test_an_unknown_engine_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match=r"no engine 'warp'.*sequential, stacked, ray, auto"):
        run_arms({"a": recipe()}, [0], engine="warp")


@pytest.mark.parametrize("engine", ["sequential", "stacked", "auto"])
def test_an_address_is_for_ray_only(engine):
    with pytest.raises(UsageError, match=r"address is 'there:1'.*engine='ray'"):
        run_arms({"a": recipe()}, [0], engine=engine, address="there:1")


@pytest.mark.parametrize("engine", ["sequential", "stacked", "ray"])
def test_all_that_is_asked_for_reaches_the_engine(monkeypatch, engine):
    got = []

    def execute(call):
        got.append(call)
        return {"a": ()}

    monkeypatch.setattr(run, "_executor", {engine: execute}.get)
    asked = {
        "max_steps": 3,
        "watch_first": True,
        "test": True,
        "keep_models": True,
        "progress": print,
        "on_result": print,
        "deadline": 9.0,
        "parallel": 2,
        "address": "there:1" if engine == "ray" else None,
    }
    told = []
    arms = {"a": recipe()}
    assert run_arms(arms, iter([4, 2]), engine=engine, on_placement=told.append, **asked) == {
        "a": ()
    }
    assert got == [Call(arms=arms, seeds=(4, 2), **asked)]
    assert set(asked) == {field.name for field in fields(Call)} - {"arms", "seeds"}
    assert [str(p) for p in told] == [f"{engine}: asked for"]


def test_the_sequential_engine_is_the_default():
    told = []
    run_arms({}, [0], on_placement=told.append)
    assert [p.engine for p in told] == ["sequential"]


def test_what_the_choice_takes_counts_against_the_deadline(monkeypatch):
    got = []
    monkeypatch.setattr(run, "_executor", lambda engine: lambda call: got.append(call) or {})
    for seconds in (1.5, 50.0):
        monkeypatch.setattr(run, "_placement", lambda *a, s=seconds: Placement("stacked", "", s))
        run_arms({"a": recipe()}, [0, 1], engine="auto", deadline=10.0)
    assert [call.deadline for call in got] == [8.5, 1e-3]


@pytest.mark.parametrize("bad", [{"seeds": [1, 1]}, {"deadline": 0}, {"parallel": 0}])
@pytest.mark.parametrize("engine", ["sequential", "stacked", "ray", "auto"])
def test_senseless_calls_are_refused_before_anything_is_tried(monkeypatch, engine, bad):
    monkeypatch.setattr(run, "_placement", lambda *a: pytest.fail("it was tried"))
    options = {"seeds": [0, 1], **bad}
    with pytest.raises(UsageError):
        run_arms({"a": recipe()}, options.pop("seeds"), engine=engine, **options)


def test_an_interrupt_of_the_choice_leaves_nothing_finished(monkeypatch):
    def stop(*asked):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_placement", stop)
    with pytest.raises(RunsInterrupted) as caught:
        run_arms({"a": recipe()}, [3, 1], engine="auto")
    assert [(r.seed, r.error) for r in caught.value.results["a"]] == [
        (3, "interrupted"),
        (1, "interrupted"),
    ]
