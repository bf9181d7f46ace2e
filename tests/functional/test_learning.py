"""LearningState: the one notion of impact."""

import dataclasses
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.core import (
    BatchFacts,
    Case,
    Evaluation,
    History,
    InputFacts,
    RecipeFacts,
    Series,
    TargetFacts,
    Trace,
)
from torchclinic.functional.learning import learning_state
from torchclinic.functional.progress import LIMITS, CurveFacts, Progress, classify

CLASSES = TargetFacts("classes", (512,), class_counts=dict.fromkeys(range(10), 50))


def curve(function, steps=400, noise=0.02, seed=0):
    draw = random.Random(seed)
    return tuple(function(k / steps) * (1 + draw.gauss(0, noise)) for k in range(steps))


LN10 = math.log(10)


def state(losses, *, expected=LN10, **history):
    batch = BatchFacts(InputFacts("real"), CLASSES, expected_loss=expected)
    return learning_state(Case(batch=batch, history=History(losses=tuple(losses), **history)))


STORIES = {
    "learns": (curve(lambda t: 2.3 * math.exp(-4 * t)), Progress.GOOD),
    "stuck": (curve(lambda t: 2.3), Progress.STUCK),
    "creeps": (curve(lambda t: 2.3 - 0.01 * t, noise=0.001), Progress.STUCK),
    "stops early": (curve(lambda t: 2.3 - 0.6 * min(4 * t, 1)), Progress.WEAK),
    "too short": (curve(lambda t: 2.3 - 0.5 * t), Progress.SLOW),
    "rises": (curve(lambda t: 2.3 + 20 * t), Progress.DIVERGED),
    "loses it": (curve(lambda t: 2.3 - 4 * t if t < 0.4 else 6.0), Progress.DIVERGED),
    "nan": ((2.3,) * 50 + (math.nan,) * 50, Progress.DIVERGED),
    "one nan": (
        (*curve(lambda t: 2.3 * math.exp(-4 * t))[:200], math.nan, *(1.0, 0.5, 0.2, 0.05) * 50),
        Progress.GOOD,
    ),
    "two steps": ((2.3, 2.2), Progress.UNKNOWN),
    "nothing": ((), Progress.UNKNOWN),
}


@pytest.mark.parametrize("name", STORIES)
def test_stories(name):
    losses, expected = STORIES[name]
    assert state(losses).progress is expected


def test_a_run_that_was_cut_short_is_on_its_way():
    losses = curve(lambda t: 2.3 - 0.5 * t)
    assert state(losses, planned_steps=4000).progress is Progress.LEARNING
    assert state(losses, planned_steps=400).progress is Progress.SLOW


def test_a_large_initial_loss_is_no_learning():
    """From 20 down to a constant prediction's 2.3, nothing has been learnt."""
    losses = curve(lambda t: 2.3 + 18 * math.exp(-20 * t))
    found = state(losses)
    assert found.progress is Progress.STUCK
    assert abs(found.removed) < 0.1


def test_the_start_is_the_yardstick_where_nothing_else_is_known():
    trace = Trace(steps={"loss": Series(tuple(range(1, 101)), (2.0,) * 100)})
    found = learning_state(Case(trace=trace))
    assert (found.progress, found.constant, found.constant_known) == (Progress.STUCK, 2.0, False)


def test_the_floor_counts_as_zero():
    """A softmax before the loss: 1.5 of at best 1.46 is nearly everything."""
    batch = BatchFacts(InputFacts("real"), CLASSES, expected_loss=math.log(10), floor_loss=1.4612)
    history = History(losses=curve(lambda t: 1.5 + 0.8 * math.exp(-9 * t), noise=0.001))
    found = learning_state(Case(batch=batch, history=history))
    assert found.progress is Progress.GOOD
    assert found.removed == pytest.approx(0.953, abs=0.01)


def test_a_good_metric_speaks_for_a_strange_loss():
    flat = curve(lambda t: 2.3)
    evaluation = Evaluation(400, "train", 2.3, 0.95)
    found = state(flat, evaluations=(evaluation,), metric="accuracy")
    assert found.progress is Progress.GOOD
    assert found.skill == pytest.approx((0.95 - 0.1) / 0.9)


def test_a_bad_metric_speaks_against_a_loss_without_yardstick():
    falls = curve(lambda t: 5 - 400 * t)
    evaluation = Evaluation(400, "train", -400.0, 0.1)
    found = state(falls, expected=None, evaluations=(evaluation,), metric="accuracy")
    assert found.progress is not Progress.GOOD


def test_a_loss_that_sums_is_scaled_to_the_batch():
    batch = BatchFacts(
        InputFacts("real"), CLASSES, initial_loss=1180.0, expected_loss=1179.0, sum_reduction=True
    )
    optimizer = None
    recipe = RecipeFacts(
        "r", "loss", "cross-entropy", "classification", optimizer, None, batch_size=32
    )
    case = Case(recipe=recipe, batch=batch, history=History(losses=curve(lambda t: 32 * 2.3)))
    found = learning_state(case)
    assert found.constant == pytest.approx(1179.0 * 32 / 512)
    assert found.progress is Progress.STUCK


@given(st.floats(1e-3, 1e3), st.sampled_from(sorted(STORIES)))
def test_scaling_the_loss_changes_nothing(scale, name):
    losses, _ = STORIES[name]
    before = state(losses)
    after = state([scale * loss for loss in losses], expected=scale * math.log(10))
    assert after.progress is before.progress
    if before.removed is not None:
        assert after.removed == pytest.approx(before.removed, rel=1e-6, abs=1e-9)


@given(
    st.lists(st.floats(), max_size=60),
    st.one_of(st.none(), st.floats()),
    st.one_of(st.none(), st.integers(1, 10_000)),
)
def test_any_curve_can_be_judged(losses, expected, planned):
    found = state(losses, expected=expected, planned_steps=planned)
    assert isinstance(found.progress, Progress)
    assert found.known or found.removed is None


@given(st.floats(-2, 1), st.booleans(), st.booleans(), st.one_of(st.none(), st.floats(-1, 1)))
def test_more_removed_is_never_called_worse(removed, falling, complete, skill):
    order = [Progress.STUCK, Progress.SLOW, Progress.WEAK, Progress.LEARNING, Progress.GOOD]
    facts = CurveFacts(removed, falling, complete, skill, diverged=False)
    more = dataclasses.replace(facts, removed=removed + 0.3)
    before, after = classify(facts, LIMITS), classify(more, LIMITS)
    assert order.index(after) >= order.index(before)


def test_words_do_not_overlap():
    for word in Progress:
        assert not (word.fine and word.poor)
        assert word.poor or not word.hurt
