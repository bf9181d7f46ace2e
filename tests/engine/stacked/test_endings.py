"""When members end, and what that does to the others: nothing."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, NAdam

from engine.stacked.parts import CLASSES, assert_same, both, net, numbers, recipe, run_stacked
from torchclinic.core import EarlyStopping, LossError, Metric, Splits


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 40},
        {"steps": None, "epochs": 3},
        {"steps": None, "epochs": 1},
        {"steps": 7, "batch_size": None},
        {"steps": 30, "batch_size": 50},  # divides the rows
        {"steps": 30, "batch_size": 149},  # leaves one row over
        {"steps": 20, "batch_size": 1000},
        {"steps": 40, "shuffle": False},
        {"steps": 40, "metric": None},
        {"steps": None, "epochs": 4, "keep_best": True},
        {"steps": 60, "keep_best": True},
    ],
    ids=str,
)
def test_lengths_and_cadences(changes):
    assert_same({"a": recipe(**changes)}, test=True)


@pytest.mark.parametrize("most", [1, 3, 25, 26])
def test_max_steps(most):
    assert_same({"a": recipe()}, max_steps=most)


def test_members_of_different_length_share_a_stack():
    arms = {str(steps): recipe(steps=steps) for steps in (3, 25, 60)}
    arms["epochs"] = recipe(steps=None, epochs=7)
    assert_same(arms)


@pytest.mark.parametrize("monitor", ["loss", "metric"])
def test_each_member_stops_early_by_itself(monitor):
    arms = {
        str(rate): recipe(
            steps=None,
            epochs=15,
            optimizer=partial(SGD, lr=rate),
            early_stopping=EarlyStopping(2, monitor=monitor),
        )
        for rate in (0.01, 1.0, 5.0)
    }
    found = assert_same(arms, seeds=range(3), test=True)
    lengths = {len(run.run.history.losses) for runs in found.values() for run in runs}
    assert len(lengths) > 1


@pytest.mark.usefixtures("computed_by")
@pytest.mark.parametrize(
    "optimizer", [SGD, partial(SGD, momentum=0.9), NAdam], ids=["sgd", "momentum", "nadam"]
)
@pytest.mark.parametrize("layer", [nn.Softplus, nn.LogSigmoid], ids=["perceptron", "mapped"])
def test_a_member_that_diverges_touches_no_other(optimizer, layer):
    fields = {"model": net(layer, outputs=1), "loss": nn.MSELoss(), "data": numbers()}
    arms = {
        str(rate): recipe(**fields, metric=None, optimizer=partial(optimizer, lr=rate), steps=60)
        for rate in (1e-3, 1e200)
    }
    found = assert_same(arms)
    assert {run.run.history.ending for run in found["1e+200"]} == {"diverged"}
    alone = run_stacked({"0.001": arms["0.001"]}, range(2), parallel=1)
    for one, other in zip(alone["0.001"], found["0.001"], strict=True):
        assert torch.allclose(
            torch.tensor(one.run.history.losses),
            torch.tensor(other.run.history.losses),
            rtol=1e-9,
            atol=0,
        )


def test_nan_in_the_data_ends_all_runs_as_it_would_alone():
    x, y = CLASSES.train
    broken = x.clone()
    broken[3] = float("nan")
    expected, found = both({"a": recipe(data=Splits(train=(broken, y)), metric=None)})
    for one, other in zip(expected["a"], found["a"], strict=True):
        assert other.run.history.ending == one.run.history.ending == "diverged"
        assert len(other.run.history.losses) == len(one.run.history.losses)


def test_an_error_in_one_members_metric_is_that_members_own():
    calls = []

    def moody(outputs, targets):
        calls.append(1)
        if len(calls) == 2:
            raise LossError("no")
        return 0.0

    arms = {"a": recipe(metric=Metric("moody", moody), steps=40)}
    found = run_stacked(arms, range(3), parallel=1)["a"]
    assert sum(run.error is not None for run in found) == 1
    assert sum(run.run is not None for run in found) == 2


def test_models_end_with_their_best_weights():
    fields = {"steps": None, "epochs": 6, "keep_best": True, "optimizer": partial(Adam, lr=0.05)}
    found = assert_same({"a": recipe(**fields)}, test=True, seeds=range(3))
    for run in found["a"]:
        history = run.run.history
        assert [e.step for e in history.evaluations if e.split == "test"][-1] == history.best_step


def test_members_with_and_without_shuffling_are_kept_apart():
    assert_same({str(shuffle): recipe(shuffle=shuffle, steps=30) for shuffle in (True, False)})
