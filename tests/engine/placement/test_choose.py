"""Which engine a study gets, what the trial may cost, and what it must not touch."""

import random
import time
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD

from engine.recipes import make_net, mse, points, recipe, with_step
from torchclinic.engine import Placement, choose_engine, run_arms
from torchclinic.engine.forking import warm_up
from torchclinic.engine.placement import choose, rates, trial
from torchclinic.engine.placement.rates import Rate
from torchclinic.engine.stacked import plan_stacks


def perceptron(width=64):
    return nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, 1))


def long(**changes):
    return recipe(**{"model": perceptron, "data": points(640), "steps": 4000, **changes})


def told(monkeypatch, gains):
    """Let trials say these gains, in turn; returns what was tried."""
    left, tried = iter(gains), []

    def rate(arms, group, cells, seconds):
        tried.append((tuple(cells), seconds))
        gain = next(left)
        return None if gain is None else Rate(len(cells), 1e-3, len(cells) * 1e-3 / gain)

    monkeypatch.setattr(choose, "rate", rate)
    return tried


def refuse(*args, **options):
    raise AssertionError("it was measured")


@pytest.fixture(autouse=True, scope="module")
def _imported():
    """What any first step imports takes seconds on a busy machine."""
    warm_up()


@pytest.fixture
def no_trial(monkeypatch):
    monkeypatch.setattr(choose, "rate", refuse)


def test_a_single_run_is_not_even_looked_at(monkeypatch):
    monkeypatch.setattr(choose, "_placed", refuse)
    placement = choose_engine({"a": long()}, [0])
    assert (placement.engine, placement.seconds) == ("sequential", 0.0)


@pytest.mark.usefixtures("no_trial")
@pytest.mark.parametrize(
    ("arms", "options", "why"),
    [
        ({"a": recipe()}, {}, "48 updates in all are over before a trial pays"),
        ({"a": long()}, {"max_steps": 9}, "36 updates in all are over before a trial pays"),
        ({"a": with_step(mse, steps=9000)}, {}, "no arm can be stacked; a: it has a step of its"),
        ({"a": long(accumulate=2)}, {}, "no arm can be stacked; a: it accumulates"),
        ({"a": long()}, {"parallel": 4}, "too few runs for stacks on every core"),
        ({"a": long(steps=1000)}, {"parallel": 2}, "4,000 updates in all do not pay for a trial"),
        ({"a": long(data=3, steps=None, epochs=9)}, {}, "nothing could be tried: "),
    ],
)
def test_what_cannot_pay_for_a_trial_gets_none(monkeypatch, arms, options, why):
    monkeypatch.setattr(choose, "SHARE", 0.01)
    placement = choose_engine(arms, range(4), **options)
    assert placement.engine == "sequential"
    assert why in placement.why
    assert placement.seconds < 2


@pytest.mark.parametrize(
    ("gains", "engine", "words"),
    [
        ([2.5], "stacked", "in a trial 2.5 times as fast: 0.40 ms a step in stacks of 8"),
        ([1.05], "sequential", "stacks were in a trial 1.1 times as fast"),
        ([0.6], "sequential", "stacks were in a trial 0.6 times as fast"),
        ([None], "sequential", "a step takes too long to gain by stacking"),
    ],
)
def test_the_trial_decides(monkeypatch, gains, engine, words):
    told(monkeypatch, gains)
    placement = choose_engine({"a": long()}, range(8), parallel=1)
    assert placement.engine == engine
    assert words in placement.why


def test_two_groups_are_tried_and_weighed_together(monkeypatch):
    arms = {"a": long(), "b": long(model=partial(perceptron, 32)), "c": with_step(mse, steps=99)}
    tried = told(monkeypatch, [4.0, 1.0])
    placement = choose_engine(arms, range(8), parallel=1)
    assert placement.engine == "stacked"
    assert "2.0 times" in placement.why
    assert "1 of 3 arms run alone all the same" in placement.why
    assert len(tried) == 2


def test_a_short_deadline_makes_a_short_trial(monkeypatch):
    tried = told(monkeypatch, [2.0, 2.0])
    choose_engine({"a": long()}, range(8), parallel=1, deadline=4.0)
    choose_engine({"a": long()}, range(8), parallel=1)
    assert [seconds for _, seconds in tried] == [4.0 * choose.SHARE, choose.MOST_SECONDS]


def test_a_real_trial_tells_times_and_costs_little():
    placement = choose_engine({"a": long(), "b": long()}, range(8), parallel=1)
    assert "times as fast" in placement.why
    assert 0 < placement.seconds < 2


def test_many_arms_are_planned_in_a_moment(monkeypatch):
    told(monkeypatch, [2.0, 2.0])
    arms = {f"a{i}": long(model=partial(perceptron, 8 + i)) for i in range(40)}
    started = time.perf_counter()
    choose_engine(arms, range(10), parallel=1)
    assert time.perf_counter() - started < 2


def test_a_study_in_parts_gets_one_answer(monkeypatch):
    counted = []
    monkeypatch.setattr(rates, "in_a_stack", lambda *a: counted.append(a) or 1e-3)
    monkeypatch.setattr(rates, "alone", lambda *a: counted.append(a) or 1e-3)
    arms = {"a": long()}
    first = choose_engine(arms, range(16), parallel=1)
    assert len(counted) == 2
    assert choose_engine(arms, range(8, 16), parallel=1).why == first.why
    assert len(counted) == 2
    choose_engine({"a": long()}, range(8), parallel=1)
    assert len(counted) == 4


@pytest.fixture
def group():
    arms = {"a": long()}
    return arms, plan_stacks(arms, range(4)).groups[0]


def test_trials_end_in_time_and_give_plausible_times(group):
    arms, one = group
    started = time.perf_counter()
    single = trial.alone(arms["a"], 0, 5.0)
    whole = trial.in_a_stack(arms, one, one.cells, 5.0)
    assert time.perf_counter() - started < 2
    assert 1e-5 < single < 0.1
    assert 1e-5 < whole < 0.1


def test_a_trial_that_has_no_time_tells_nothing(group):
    arms, one = group
    assert trial.alone(arms["a"], 0, 0.0) is None
    assert trial.in_a_stack(arms, one, one.cells, 0.0) is None


def test_a_trial_of_what_fails_tells_nothing():
    def fail(model, batch):
        raise ValueError("no")

    assert trial.alone(with_step(fail), 0, 1.0) is None


def test_a_trial_disturbs_nothing(group):
    arms, _ = group
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    net = make_net()
    weights = [p.detach().clone() for p in net.parameters()]
    torch.set_rng_state(before[0])
    arms = {**arms, "given": long(model=net, optimizer=partial(SGD, lr=0.1))}
    threads = torch.get_num_threads()
    choose_engine(arms, range(8), parallel=1)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()
    assert before[2] == random.getstate()
    assert all(map(torch.equal, weights, net.parameters()))
    assert torch.get_num_threads() == threads


def test_auto_runs_on_what_it_chose(monkeypatch):
    told(monkeypatch, [3.0])
    arms, placements = {"a": long(steps=2000)}, []
    results = run_arms(arms, range(8), engine="auto", max_steps=1500, parallel=1,
                       on_placement=placements.append)  # fmt: skip
    assert [p.engine for p in placements] == ["stacked"]
    alone = run_arms(arms, [0], max_steps=1500, parallel=1)
    for one, other in zip(results["a"], alone["a"], strict=False):
        assert one.run.history.losses == pytest.approx(other.run.history.losses, rel=1e-3, abs=1e-6)


def test_a_placement_reads_as_a_line():
    assert str(Placement("stacked", "it is faster")) == "stacked: it is faster"
