"""Stopping criteria against Prechelt's definitions, written out naively over whole curves."""

import math
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import SGD

from torchclinic.core import EarlyStopping, LossError, Metric, RecipeError, Splits
from torchclinic.training import train
from torchclinic.training.stopping import (
    GeneralisationLoss,
    Patience,
    UninterruptedRise,
    stopping_criterion,
)
from training.parts import recipe, rows, split_recipe

CURVES = st.lists(
    st.one_of(st.floats(0.01, 10), st.sampled_from([0.5, 1.0, 2.0])), min_size=1, max_size=40
)


def first_stop(criterion, errors):
    return next((t for t, error in enumerate(errors) if criterion(error)), None)


def gl(errors, t):
    return 100 * (errors[t] / min(errors[: t + 1]) - 1)


def up(errors, t, s, k):
    """Recursion of the paper; epochs are counted from 1, so that strips end at k, 2k, ..."""
    if (t + 1) % k or t - k < 0 or not errors[t] > errors[t - k]:
        return False
    return s == 1 or up(errors, t - k, s - 1, k)


@given(CURVES, st.floats(0.5, 50))
def test_generalisation_loss(errors, alpha):
    expected = next((t for t in range(len(errors)) if gl(errors, t) > alpha * (1 + 1e-9)), None)
    close = any(math.isclose(gl(errors, t), alpha, rel_tol=1e-6) for t in range(len(errors)))
    assert close or first_stop(GeneralisationLoss(alpha), errors) == expected


@given(CURVES, st.integers(1, 4), st.integers(1, 5))
def test_uninterrupted_rise(errors, strips, length):
    expected = next((t for t in range(len(errors)) if up(errors, t, strips, length)), None)
    assert first_stop(UninterruptedRise(strips, length), errors) == expected


@given(CURVES, st.integers(1, 5))
def test_patience(errors, patience):
    def exhausted(t):
        best = errors.index(min(errors[: t + 1]))
        return t - best >= patience

    expected = next((t for t in range(len(errors)) if exhausted(t)), None)
    assert first_stop(Patience(patience), errors) == expected


@given(CURVES, st.integers(0, 39), st.sampled_from(["patience", "gl", "up"]))
def test_a_criterion_goes_on_from_its_state(errors, cut, kind):
    make = {
        "patience": partial(Patience, 3),
        "gl": partial(GeneralisationLoss, 5.0),
        "up": partial(UninterruptedRise, 2, 2),
    }[kind]
    whole, first, second = make(), make(), make()
    answers = [whole(error) for error in errors]
    for error in errors[:cut]:
        first(error)
    second.restore(first.state())
    assert [second(error) for error in errors[cut:]] == answers[cut:]


def test_nan_is_an_infinite_error():
    assert first_stop(GeneralisationLoss(5.0), [1.0, math.nan]) == 1
    assert first_stop(GeneralisationLoss(5.0), [math.nan, math.nan, 1.0]) is None
    assert first_stop(UninterruptedRise(1, 1), [1.0, math.nan]) == 1
    assert first_stop(Patience(2), [math.nan, math.nan]) == 1


def test_a_perfect_error_ends_at_any_rise():
    assert first_stop(GeneralisationLoss(5.0), [0.1, 0.0, 0.0, 1e-9]) == 3


def test_an_error_below_zero_has_no_percent():
    with pytest.raises(LossError, match=r"-2\.5"):
        GeneralisationLoss(5.0)(-2.5)


def test_options_reach_the_criterion():
    made = stopping_criterion(EarlyStopping(criterion="generalisation-loss", threshold=50))
    assert first_stop(made, [1.0, 1.4, 1.6]) == 2
    made = stopping_criterion(EarlyStopping(criterion="uninterrupted-rise", patience=2, strip=1))
    assert first_stop(made, [1.0, 1.1, 1.2]) == 2


@pytest.mark.parametrize(
    ("stopping", "rule"),
    [
        (EarlyStopping(criterion="generalisation-loss", threshold=10), lambda e, t: gl(e, t) > 10),
        (
            EarlyStopping(criterion="uninterrupted-rise", patience=2, strip=3),
            lambda e, t: up(e, t, 2, 3),
        ),
    ],
    ids=lambda v: getattr(v, "criterion", ""),
)
def test_a_training_stops_where_the_definition_says(stopping, rule):
    data = Splits(train=rows(40), validation=rows(200, seed=1))
    made = recipe(data=data, optimizer=partial(SGD, lr=1.0), epochs=100)
    errors = [loss for _, loss in train(made).history.curve("validation")]
    assert len(errors) < 100  # without a choice it is looked at less often
    chosen = made.replace(early_stopping=stopping)
    history = train(chosen).history
    seen = [loss for _, loss in history.curve("validation")]
    assert history.ending == "early-stopping"
    assert next(t for t in range(len(seen)) if rule(seen, t)) == len(seen) - 1
    assert history.best_step == min(history.curve("validation"), key=lambda p: p[1])[0]


def test_a_rising_metric_has_no_generalisation_loss():
    stopping = EarlyStopping(criterion="generalisation-loss", monitor="metric")
    with pytest.raises(RecipeError, match="to rise"):
        train(split_recipe(early_stopping=stopping))
    falling = Metric("error", lambda output, target: 1.0, higher_is_better=False)
    assert train(split_recipe(early_stopping=stopping, metric=falling)).history.best_step
