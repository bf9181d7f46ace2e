"""A Recipe refuses what contradicts itself, names the value, and never changes."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.core import Averaging, EarlyStopping, Penalty, Recipe, RecipeError, Splits

GOOD = {"model": list, "data": [1], "loss": min, "optimizer": list, "epochs": 1}


@pytest.mark.parametrize(
    ("fields", "quoted"),
    [
        ({"model": 3}, "3"),
        ({"loss": None}, "loss"),
        ({"step": min}, "step"),
        ({"optimizer": 0.1}, "float"),
        ({"steps": 5}, "epochs=1"),
        ({"epochs": None}, "epochs"),
        ({"epochs": 0}, "0"),
        ({"epochs": True}, "True"),
        ({"batch_size": -2}, "-2"),
        ({"batch_size": 1.5}, "1.5"),
        ({"accumulate": 0}, "0"),
        ({"clip_norm": 0.0}, "0.0"),
        ({"clip_value": float("nan")}, "nan"),
        ({"autocast": "float8"}, "float8"),
        ({"early_stopping": 5}, "early_stopping is 5"),
        ({"averaging": "ema"}, "averaging is 'ema'"),
        ({"penalties": Penalty("l1", 0.1)}, "penalties is Penalty"),
        ({"penalties": (0.1,)}, "penalties is .0.1,"),
        ({"clip_adaptive": -0.5}, "-0.5"),
        ({"max_norm": 0.0}, "max_norm is 0.0"),
    ],
)
def test_refuses_nonsense_and_quotes_it(fields, quoted):
    with pytest.raises(RecipeError, match=quoted):
        Recipe(**{**GOOD, **fields})


@pytest.mark.parametrize(
    ("options", "fields", "quoted"),
    [
        (Penalty, {"kind": "l1", "weight": -1.0}, "-1.0"),
        (Penalty, {"kind": "l3", "weight": 1.0}, "'l3'"),
        (EarlyStopping, {"patience": 0}, "patience of the early stopping is 0"),
        (EarlyStopping, {"min_delta": -1.0}, "min_delta .* is -1.0"),
        (EarlyStopping, {"criterion": "whim"}, "'whim' .*uninterrupted-rise"),
        (EarlyStopping, {"threshold": 0.0}, "threshold .* is 0.0"),
        (EarlyStopping, {"strip": 1.5}, "strip .* is 1.5"),
        (Averaging, {"kind": "mean"}, "kind of the averaging is 'mean'"),
        (Averaging, {"decay": 1.0}, "decay .* is 1.0"),
        (Averaging, {"start": 1.0}, "start .* is 1.0"),
        (Averaging, {"every": 0}, "every .* is 0"),
    ],
)
def test_options_refuse_nonsense_and_quote_it(options, fields, quoted):
    with pytest.raises(RecipeError, match=quoted):
        options(**fields)


def test_replace_makes_a_copy_and_refuses_unknown_fields():
    recipe = Recipe(**GOOD)
    other = recipe.replace(epochs=3)
    assert (recipe.epochs, other.epochs) == (1, 3)
    with pytest.raises(RecipeError, match="learning_rate"):
        recipe.replace(learning_rate=1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.epochs = 2


def test_replace_checks_again():
    with pytest.raises(RecipeError, match="batch_size"):
        Recipe(**GOOD).replace(batch_size=0)


def test_bare_data_is_the_training_part():
    assert Recipe(**GOOD).splits.train == [1]
    splits = Splits(train=1, test=2)
    assert Recipe(**{**GOOD, "data": splits}).splits is splits


@given(st.integers(1, 10**6), st.integers(1, 10**4))
def test_whole_numbers_from_one_are_accepted(size, epochs):
    recipe = Recipe(**{**GOOD, "batch_size": size, "epochs": epochs})
    assert (recipe.batch_size, recipe.epochs) == (size, epochs)
