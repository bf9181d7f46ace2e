"""Small recipes for the stacked engine, and its comparison with the sequential one."""

import math
from functools import partial

import torch
from torch import nn
from torch.optim import SGD

from torchclinic.core import Recipe, Splits
from torchclinic.engine import run_arms

STEPS = 200
EXACT = 1e-9  # relative, of losses in float64
run_stacked = partial(run_arms, engine="stacked")


def classes(dtype=torch.float64, rows=150, features=6):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, features, generator=generator, dtype=torch.float64)
    y = (x @ torch.randn(features, 4, generator=generator, dtype=torch.float64)).argmax(1)
    x = x.to(dtype)
    return Splits(train=(x, y), validation=(x[:40], y[:40]), test=(x[40:90], y[40:90]))


def numbers(dtype=torch.float64, outputs=1):
    data = classes(dtype)
    return Splits(train=(data.train[0], data.train[0][:, :outputs].sin()), validation=None)


def net(*middle, outputs=4, dtype=torch.float64, hidden=16):
    """A factory of perceptrons with these layers after the first linear one."""

    def make():
        layers = [layer() for layer in middle]
        model = nn.Sequential(nn.Linear(6, hidden), *layers, nn.Linear(hidden, outputs))
        return model.to(dtype)

    return make


CLASSES = classes()


def recipe(**changes):
    fields = {
        "model": net(nn.Tanh),
        "data": CLASSES,
        "loss": nn.CrossEntropyLoss(),
        "optimizer": partial(SGD, lr=0.1),
        "batch_size": 32,
        "steps": STEPS,
        "metric": "accuracy",
    }
    return Recipe(**{**fields, **changes})


def both(arms, seeds=range(2), *, stacked=True, **options):
    """Results of the sequential and of the stacked engine, in this process."""
    expected = run_arms(arms, seeds, parallel=1, **options)
    found = run_stacked(arms, seeds, parallel=1, **options)
    if stacked:
        notes = [run.note for runs in found.values() for run in runs]
        assert not any(notes), notes
    return expected, found


def assert_same(arms, seeds=range(2), tolerance=EXACT, **options):
    """Everything in the histories agrees; the numbers up to a relative tolerance."""
    expected, found = both(arms, seeds, **options)
    for arm in arms:
        for one, other in zip(expected[arm], found[arm], strict=True):
            assert one.error == other.error
            if one.run is not None:
                same_history(one.run.history, other.run.history, tolerance)
    return found


def same_history(one, other, tolerance=EXACT):
    assert other.ending == one.ending
    assert other.best_step == one.best_step
    assert other.metric == one.metric
    assert other.steps_per_epoch == one.steps_per_epoch
    assert other.planned_steps == one.planned_steps
    assert other.learning_rates == one.learning_rates
    assert [(e.step, e.split) for e in other.evaluations] == [
        (e.step, e.split) for e in one.evaluations
    ]
    close(one.losses, other.losses, tolerance)
    close(one.gradient_norms, other.gradient_norms, tolerance)
    close([e.loss for e in one.evaluations], [e.loss for e in other.evaluations], tolerance)


def close(one, other, tolerance):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        if math.isfinite(a) or math.isfinite(b):
            assert math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance * 1e-3), (a, b)
