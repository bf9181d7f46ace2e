"""Non-finite losses: recorded, suffered for a while, then the end."""

import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD

from torchclinic.core import Metric, Splits
from torchclinic.training import train
from torchclinic.training.recorder import DIVERGED_AFTER, FLUSH_EVERY, Recorder
from training.parts import recipe, rows, split_recipe


def losses_of(values):
    """A recipe whose k-th loss is values[k]."""
    given = iter(values)

    def step(model, batch):
        return model(batch[0]).sum() * 0 + next(given)

    return recipe(loss=None, step=step, steps=len(values))


def exploding(**fields):
    return split_recipe(**({"optimizer": partial(SGD, lr=3e38), "steps": 1000} | fields))


def test_a_diverged_run_does_not_waste_its_budget():
    run = train(exploding(), test=True)
    history = run.history
    assert history.ending == "diverged"
    assert len(history.losses) == FLUSH_EVERY
    assert history.planned_steps == 1000
    assert not math.isfinite(history.losses[-1])
    assert math.isfinite(history.losses[0])
    assert history.last("test") is not None


@pytest.mark.parametrize(
    ("values", "steps", "ending"),
    [
        ([1.0] * 40, 40, "budget"),
        ([1.0] * 20 + [math.nan] * 4 + [1.0] * 16, 40, "budget"),
        ([1.0] * 20 + [math.inf] * 5 + [1.0] * 15, 25, "diverged"),
        ([1.0] * 21 + [math.nan] * 30, 50, "diverged"),
        ([1.0] * 22 + [math.nan] * 5 + [1.0] * 40, 67, "budget"),  # it came back in between
        ([1.0] * 39 + [math.nan], 40, "diverged"),
        ([math.nan] * 3, 3, "diverged"),
    ],
)
def test_when_a_run_is_given_up(values, steps, ending):
    history = train(losses_of(values)).history
    assert (len(history.losses), history.ending) == (steps, ending)
    assert str(list(history.losses)) == str(values[:steps])
    assert DIVERGED_AFTER == 5


def test_nan_in_the_data_is_recorded_not_raised():
    x, y = rows()
    x[40, 2] = math.nan
    history = train(recipe(data=(x, y), epochs=40)).history
    assert history.ending == "diverged"
    assert len(history.losses) == FLUSH_EVERY


def test_a_loss_that_refuses_nan_does_not_hide_a_divergence():
    x, _ = rows()
    net = lambda: nn.Sequential(nn.Linear(5, 1), nn.Sigmoid())  # noqa: E731
    x[3] = math.nan
    made = recipe(model=net, data=(x, torch.ones(70, 1)), loss=nn.BCELoss(), epochs=20)
    assert train(made).history.ending == "diverged"


def test_a_metric_that_refuses_nan_does_not_either():
    def strict(outputs, targets):
        if not outputs.isfinite().all():
            raise ValueError("NaN")
        return 1.0

    history = train(exploding(metric=Metric("strict", strict))).history
    assert history.ending == "diverged"
    assert math.isnan(history.evaluations[-1].metric)


def test_a_diverged_run_ends_with_the_best_weights_when_they_are_kept():
    data = Splits(train=rows(), validation=rows(seed=1))
    made = recipe(data=data, keep_best=True, epochs=50)
    calm = partial(SGD, lr=0.1)

    def factory(parameters):
        optimizer = calm(parameters)
        optimizer.register_step_pre_hook(_explode_at(optimizer, 12))
        return optimizer

    run = train(made.replace(optimizer=factory), keep_model=True)
    assert run.history.ending == "diverged"
    assert run.history.best_step in (5, 10)
    assert all(p.isfinite().all() for p in run.model.parameters())


def _explode_at(optimizer, step):
    count = iter(range(10**9))

    def hook(*_):
        if next(count) == step:
            optimizer.param_groups[0]["lr"] = math.inf

    return hook


def test_the_recorder_reads_back_what_it_was_given():
    recorder = Recorder()
    for value, dtype in ((0.1, torch.float64), (0.5, torch.float32), (1.5, torch.bfloat16)):
        recorder.add(torch.tensor(value, dtype=dtype), 0.1, torch.tensor(2 * value))
    assert not recorder.losses
    recorder.flush()
    assert list(recorder.losses) == [0.1, 0.5, 1.5]
    assert recorder.gradient_norms[1] == 1.0
    recorder.flush()
    assert len(recorder.losses) == 3
