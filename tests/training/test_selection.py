"""Early stopping and keeping the best weights."""

import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD

from torchclinic.core import EarlyStopping, Evaluation, History, Metric, RecipeError, Splits
from torchclinic.training import kept_evaluation, train
from torchclinic.training.selection import Selection
from training.parts import recipe, rich_net, rows, split_recipe


def overfitting(**fields):
    """Noise labels: the validation loss rises while the training loss falls."""
    data = Splits(train=rows(40), validation=rows(200, seed=1), test=rows(50, seed=2))
    defaults = {"data": data, "optimizer": partial(SGD, lr=1.0), "epochs": 60}
    return recipe(**(defaults | fields))


def follow(values, **fields):
    """A Selection that has seen these validation losses at steps 1, 2, ..."""
    net = nn.Linear(1, 1)
    selection = Selection(split_recipe(**fields), net, has_validation=True)
    for step, value in enumerate(values, 1):
        nn.init.constant_(net.weight, step)
        selection.follow(Evaluation(step, "validation", value, -value))
        if selection.stop:
            return selection, net, step
    return selection, net, None


@pytest.mark.parametrize(
    ("values", "patience", "min_delta", "stop", "best"),
    [
        ([3, 2, 1, 0], 2, 0.0, None, 4),
        ([3, 2, 2, 2, 2], 2, 0.0, 4, 2),
        ([3, 2, 2.5, 1, 1.5, 1.2], 2, 0.0, 6, 4),
        ([3, 2.9, 2.8, 2.7], 2, 0.5, 3, 1),
        ([math.nan, math.nan, 5], 2, 0.0, 2, None),
        ([3, math.nan, 1, math.inf], 3, 0.0, None, 3),
    ],
)
def test_patience(values, patience, min_delta, stop, best):
    stopping = EarlyStopping(patience=patience, min_delta=min_delta)
    selection, net, stopped = follow(values, early_stopping=stopping)
    assert (stopped, selection.best_step) == (stop, best)
    selection.finish()
    assert net.weight.item() == (best or len(values[:stop]))


def test_keep_best_goes_by_the_metric_where_there_is_one():
    best = Metric("error", lambda o, t: 0.0, higher_is_better=False)
    assert follow([3, 1, 2], keep_best=True, metric=best)[0].best_step == 1  # metric is -loss
    assert follow([3, 1, 2], keep_best=True)[0].best_step == 2  # higher is better
    assert follow([3, 1, 2], keep_best=True, metric=None)[0].best_step == 2


def test_the_run_ends_early_with_its_best_weights():
    made = overfitting(early_stopping=EarlyStopping(patience=3))
    run = train(made, keep_model=True, test=True)
    history = run.history
    losses = dict(history.curve("validation"))
    assert history.ending == "early-stopping"
    assert history.best_step == min(losses, key=losses.get)
    assert len(history.losses) == history.best_step + 3 * 3 < 180
    x, y = rows(200, seed=1)
    with torch.no_grad():
        kept = F.cross_entropy(run.model(x), y).item()
    assert kept == pytest.approx(losses[history.best_step], rel=1e-6)
    assert kept_evaluation(history, "validation").loss == losses[history.best_step]
    assert history.last("test").step == history.best_step


def test_without_restoring_it_ends_with_its_last_weights():
    made = overfitting(early_stopping=EarlyStopping(patience=3, restore_best=False))
    history = train(made, test=True).history
    assert (history.ending, history.best_step) == ("early-stopping", None)
    assert history.last("test").step == len(history.losses)


def test_keep_best_runs_to_the_end():
    run = train(overfitting(keep_best=True), keep_model=True)
    losses = dict(run.history.curve("validation"))
    assert run.history.ending == "budget"
    assert run.history.best_step == min(losses, key=losses.get) < len(run.history.losses) == 180


def test_the_best_buffers_are_kept_too():
    run = train(overfitting(keep_best=True, model=rich_net), 3, keep_model=True)
    cut = train(overfitting(model=rich_net), 3, keep_model=True, max_steps=run.history.best_step)
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, cut.model.state_dict()[name]), name


@pytest.mark.parametrize("fields", [{"keep_best": True}, {"early_stopping": EarlyStopping()}])
def test_choosing_needs_a_validation_part(fields):
    with pytest.raises(RecipeError, match="needs a validation part"):
        train(recipe(**fields))
    with pytest.raises(RecipeError, match="needs a validation part"):
        train(recipe(data=Splits(train=rows(), test=rows(seed=1)), **fields), test=True)


def test_monitoring_a_metric_needs_one():
    made = split_recipe(metric=None, early_stopping=EarlyStopping(monitor="metric"))
    with pytest.raises(RecipeError, match="monitors the metric"):
        train(made)
    assert train(split_recipe(early_stopping=EarlyStopping(monitor="metric"))).history.best_step


def test_kept_evaluation_without_a_choice_is_the_last():
    points = (Evaluation(1, "test", 1.0), Evaluation(2, "test", 2.0))
    assert kept_evaluation(History(evaluations=points), "test") is points[1]
    assert kept_evaluation(History(evaluations=points, best_step=5), "test") is None
