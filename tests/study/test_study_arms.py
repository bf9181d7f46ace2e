from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD

from torchclinic.core import EarlyStopping, Penalty, Recipe, RecipeError, Schedule, UsageError
from torchclinic.study import Arm, grid, variants
from torchclinic.study.arms import changed, collect_arms


def net(width=8, act=nn.ReLU):
    return nn.Sequential(nn.Linear(4, width), act(), nn.Linear(width, 2))


@pytest.fixture
def recipe():
    return Recipe(
        model=net,
        data=(torch.zeros(4, 4), torch.zeros(4, dtype=torch.long)),
        loss=nn.CrossEntropyLoss(label_smoothing=0.1),
        optimizer=partial(SGD, lr=0.1, momentum=0.9),
        penalties=(Penalty("l2", 0.01),),
        early_stopping=EarlyStopping(patience=3),
        epochs=2,
        name="net",
    )


def test_dotted_names_lead_into_everything(recipe):
    other = changed(
        recipe,
        {
            "optimizer.lr": 0.5,
            "model.width": 16,
            "model.act": nn.Tanh,
            "loss.label_smoothing": 0.0,
            "early_stopping.patience": 7,
            "penalties.0.weight": 0.5,
            "batch_size": 64,
        },
    )
    assert other.optimizer.keywords == {"lr": 0.5, "momentum": 0.9}
    assert other.model()[0].out_features == 16
    assert isinstance(other.model()[1], nn.Tanh)
    assert other.loss.label_smoothing == 0.0
    assert (other.early_stopping.patience, other.penalties[0].weight) == (7, 0.5)
    assert other.batch_size == 64


def test_the_base_stays_as_it_is(recipe):
    changed(recipe, {"optimizer.lr": 9.0, "loss.label_smoothing": 0.9, "penalties.0.weight": 9.0})
    assert recipe.optimizer.keywords["lr"] == 0.1
    assert recipe.loss.label_smoothing == 0.1
    assert recipe.penalties[0].weight == 0.01


def test_positional_arguments_are_found_by_name(recipe):
    other = changed(recipe.replace(model=partial(net, 8, nn.ReLU)), {"model.width": 5})
    assert other.model()[0].out_features == 5
    assert isinstance(other.model()[1], nn.ReLU)


def test_a_schedule_in_a_dataclass(recipe):
    schedule = Schedule(partial(lambda optimizer, total, gamma: None, gamma=0.5))
    other = changed(recipe.replace(schedule=schedule), {"schedule.factory.gamma": 0.9})
    assert other.schedule.factory.keywords == {"gamma": 0.9}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("optimiser.lr", "no field 'optimiser'"),
        ("optimizer.learning_rate", "SGD has no argument 'learning_rate'"),
        ("model.depth", "net has no argument 'depth'"),
        ("loss.smoothing", "no option 'smoothing'"),
        ("early_stopping.patients", "no 'patients'"),
        ("penalties.1.weight", "'1' is no place"),
        ("epochs.x", "nothing called 'x'"),
    ],
)
def test_errors_quote_the_name(recipe, path, said):
    with pytest.raises(UsageError, match=said) as raised:
        changed(recipe, {path: 1})
    assert repr(path) in str(raised.value)


def test_a_function_without_arguments_says_so(recipe):
    with pytest.raises(UsageError, match="write a partial"):
        changed(recipe.replace(model=lambda: nn.Linear(1, 1)), {"model.width": 3})


def test_senseless_values_are_the_recipes_error(recipe):
    with pytest.raises(RecipeError):
        changed(recipe, {"batch_size": 0})


def test_grid_is_the_product(recipe):
    arms = grid(recipe, {"optimizer.lr": [0.1, 0.2]}, batch_size=[8, 16, 32])
    assert len(arms) == 6
    found = {(a.recipe.optimizer.keywords["lr"], a.recipe.batch_size) for a in arms.values()}
    assert found == {(lr, b) for lr in (0.1, 0.2) for b in (8, 16, 32)}
    assert arms["lr=0.2 batch_size=8"].recipe.name == "lr=0.2 batch_size=8"
    assert arms["lr=0.2 batch_size=8"].changes == "optimizer.lr = 0.2, batch_size = 8"


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({}, "no axes"),
        ({"optimizer.lr": []}, "no values"),
        ({"optimizer.lr": 0.1}, "optimizer.lr"),
        ({"metric": "accuracy"}, "metric"),
        ({"optimizer.lr": [0.1, 0.1]}, "lr=0.1"),
        ({"batch_size": range(1, 1002)}, "1001 arms"),
    ],
)
def test_grids_that_make_no_sense(recipe, axes, said):
    with pytest.raises(UsageError, match=said):
        grid(recipe, axes)


def test_variants_by_mapping_function_and_recipe(recipe):
    arms = variants(
        recipe,
        {
            "plain": {},
            "fast": {"optimizer.lr": 1.0},
            "long": lambda r: r.replace(epochs=9),
            "other": recipe.replace(batch_size=1),
        },
    )
    assert arms["fast"].recipe.optimizer.keywords["lr"] == 1.0
    assert arms["long"].recipe.epochs == 9
    assert arms["other"].recipe.batch_size == 1
    assert [a.recipe.name for a in arms.values()] == list(arms)


def test_variants_that_make_no_sense(recipe):
    for bad in ({"a": 3}, {"a": lambda r: 3}, [3]):
        with pytest.raises(UsageError):
            variants(recipe, bad)
    with pytest.raises(UsageError, match="two arms are called 'lr=1'"):
        variants(recipe, [{"optimizer.lr": 1}, {"optimizer.lr": 1}])


def test_arms_are_collected_from_whatever_holds_them(recipe):
    def names(arms):
        return [arm.name for arm in arms]

    assert names(collect_arms(recipe)) == ["net"]
    assert names(collect_arms({"a": recipe, "b": Arm("x", recipe)})) == ["a", "b"]
    assert names(collect_arms([recipe, recipe.replace(name="b")])) == ["net", "b"]
    assert names(collect_arms(recipe, changes=[{"batch_size": 8}])) == ["net", "batch_size=8"]
    assert names(collect_arms(recipe, grid={"batch_size": [8, 16]})) == [
        "batch_size=8",
        "batch_size=16",
    ]
    assert names(collect_arms(grid(recipe, batch_size=[1, 2]))) == ["batch_size=1", "batch_size=2"]


@pytest.mark.parametrize("arms", [{}, [], 3, {"a": 3}, {"": None}, {"a": "recipe"}], ids=repr)
def test_what_holds_no_arms_is_refused(arms):
    with pytest.raises(UsageError):
        collect_arms(arms)


def test_two_arms_of_one_name_are_refused(recipe):
    with pytest.raises(UsageError, match="'net'"):
        collect_arms([recipe, recipe])
    with pytest.raises(UsageError, match="one Recipe"):
        collect_arms({"a": recipe}, grid={"batch_size": [1]})
