"""A fresh model at each rate: against trainings one by one, and on curves that are known."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD

from study.lr_recipes import adam, classes, classifier, known, line, regression
from torchclinic.core import (
    Averaging,
    EarlyStopping,
    ModelError,
    Recipe,
    Schedule,
    Splits,
    TrainingError,
)
from torchclinic.data import batches
from torchclinic.study.lr_range import lr_range_test
from torchclinic.study.lr_range.curve import curve_of_ends
from torchclinic.study.lr_range.fresh import AtRate, fresh_sweeps
from torchclinic.study.lr_range.sweep import Sweep
from torchclinic.training import evaluate, train

fresh = partial(lr_range_test, method="fresh")


def test_each_rate_is_one_epoch_of_a_fresh_training():
    recipe = classifier(epochs=5, steps=None)
    rates = [1e-3, 0.1, 1.0]
    sweeps = fresh_sweeps(recipe, [4, 7], rates, engine="sequential")
    rows = batches(recipe.data).sample(1024)
    for seed, sweep in zip([4, 7], sweeps, strict=True):
        for rate, loss in zip(rates, sweep.losses, strict=True):
            one = recipe.replace(optimizer=partial(SGD, lr=rate), epochs=1)
            model = train(one, seed, keep_model=True).model
            assert loss == pytest.approx(evaluate(recipe, model, [rows]).loss, rel=1e-6)
        assert sweep.configured == 0.1


def test_the_least_squares_curve_is_known():
    """Full-batch descent on a quadratic: the loss after k updates has a closed form."""
    x, y = line()
    recipe = regression(batch_size=None, model=partial(nn.Linear, 4, 1, bias=False))
    rates = np.geomspace(1e-3, 0.3, 8)
    found = fresh_sweeps(recipe, [0], rates.tolist(), updates=6, engine="sequential")[0]
    torch.manual_seed(0)
    from torchclinic.training import build_model

    weight = build_model(recipe, 0).weight.detach().double().T
    hessian = 2 * x.T.double() @ x.double() / len(x)
    best = torch.linalg.lstsq(x.double(), y.double()).solution
    for rate, loss in zip(rates, found.losses, strict=True):
        step = torch.eye(4, dtype=torch.float64) - rate * hessian
        gap = torch.linalg.matrix_power(step, 6) @ (weight - best)
        residual = x.double() @ (best + gap) - y.double()
        assert loss == pytest.approx(float(residual.square().mean()), rel=1e-4)


@pytest.mark.parametrize("recipe", [classifier(), classifier(optimizer=adam), regression()])
def test_stacked_and_sequential_agree(recipe):
    one = fresh(recipe, seeds=2, steps=9, engine="stacked")
    other = fresh(recipe, seeds=2, steps=9, engine="sequential")
    assert one.losses == pytest.approx(other.losses, rel=0.02)  # chaotic at high rates
    assert one.suggestions.keys() == other.suggestions.keys()


def test_the_curve_its_band_and_its_suggestions():
    found = fresh(classifier())
    assert found.method == "fresh"
    assert (found.seeds, found.configured, found.reason) == (3, 0.1, "")
    assert len(found.learning_rates) == len(found.losses) == 25
    for low, loss, high in zip(found.low, found.losses, found.high, strict=True):
        assert low <= loss <= high
    assert 0.01 < known(found.suggestion) < 1
    assert 0.5 < known(found.divergence) < 10
    assert 1e-4 < found.bounds["descent/6"] < found.bounds["minimum/10"] < 1


def test_both_methods_agree_to_a_decade():
    for recipe in (classifier(), classifier(optimizer=adam), regression()):
        ramp, epoch = lr_range_test(recipe), fresh(recipe)
        assert 0.1 < known(ramp.suggestion) / known(epoch.suggestion) < 10


def test_what_would_change_the_epoch_is_left_out():
    schedule = Schedule(lambda o, n: torch.optim.lr_scheduler.StepLR(o, 1, gamma=0.1))
    data = Splits(train=classes(), validation=classes(40), test=classes(40))
    rich = classifier(
        data=data,
        schedule=schedule,
        early_stopping=EarlyStopping(patience=1),
        keep_best=True,
        averaging=Averaging("ema"),
        metric="accuracy",
    )
    plain = fresh(classifier(), seeds=1, steps=7)
    assert fresh(rich, seeds=1, steps=7).losses == pytest.approx(plain.losses)


def test_updates_cut_or_lengthen_the_epoch():
    longer = fresh(classifier(), seeds=1, steps=9, updates=60)
    shorter = fresh(classifier(), seeds=1, steps=9, updates=3)
    assert min(longer.losses) < min(fresh(classifier(), seeds=1, steps=9).losses)
    assert min(shorter.losses) > min(longer.losses)


def test_optimizers_of_the_model_and_groups_keep_their_ratio():
    def groups(model):
        return SGD(
            [{"params": model[0].parameters(), "lr": 0.2}, {"params": model[2].parameters()}],
            lr=0.1,
        )

    made = AtRate(groups, 1.0)
    model = classifier().model()
    assert [g["lr"] for g in made(model).param_groups] == [1.0, 0.5]
    found = fresh(classifier(optimizer=groups), seeds=1, steps=9)
    assert found.configured == 0.2


@pytest.mark.parametrize(
    "changes",
    [
        {"accumulate": 4, "batch_size": 8},
        {"data": {"x": classes()[0], "label": classes()[1]}},
        {"data": [(classes()[0][i : i + 30], classes()[1][i : i + 30]) for i in range(0, 600, 30)]},
        {"loss": None, "step": lambda m, b: nn.functional.cross_entropy(m(b[0]), b[1])},
        {"clip_adaptive": 0.1},
        {"max_norm": 2.0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_kind_of_recipe(changes):
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = classifier().model()

        def forward(self, x):
            return self.net(x)

    found = fresh(classifier(model=Wrapped, **changes), seeds=1, steps=13)
    assert found.reason == ""
    assert 1e-3 < known(found.suggestion) < 10


def test_flat_all_divergent_and_broken():
    x, y = classes()
    flat = fresh(classifier(data=(0 * x, y), model=partial(nn.Linear, 20, 10, bias=False)), seeds=2)
    assert flat.suggestion is None
    assert "does not fall" in flat.reason or "within the noise" in flat.reason
    wild = fresh(classifier(data=(1e6 * x, y)), low=1.0, high=100.0)
    assert wild.suggestion is None
    assert "blows up at once" in wild.reason
    lost = fresh(classifier(data=(x * float("nan"), y)))
    assert "untrained model is not finite" in lost.reason

    class Broken(nn.Linear):
        def forward(self, x):
            raise ValueError("no")

    with pytest.raises(ModelError, match="no"):
        fresh(classifier(model=partial(Broken, 20, 10)))


def test_a_training_that_always_fails_says_why():
    def step(model, batch):
        if model.training:
            raise ValueError("not while training")
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    with pytest.raises(TrainingError, match="not while training"):
        fresh(classifier(loss=None, step=step), seeds=1, steps=5)


def test_too_little_time_gives_fewer_seeds_or_says_so():
    with pytest.raises(TrainingError, match="more time"):
        fresh(classifier(), seeds=2, steps=5, max_seconds=1e-9, engine="sequential")


def test_global_generators_and_recipe_are_left_alone():
    torch.manual_seed(2)
    expected = float(torch.rand(()))
    torch.manual_seed(2)
    recipe = classifier()
    first = fresh(recipe, seeds=1, steps=9)
    assert float(torch.rand(())) == expected
    assert fresh(recipe, seeds=1, steps=9) == first
    assert isinstance(recipe, Recipe)
    assert recipe.steps == 300


def test_noise_is_read_from_the_seeds():
    rates = np.geomspace(1e-7, 10, 25)
    rng = np.random.default_rng(0)

    def made(seeds, spread):
        return [
            Sweep(tuple(2.3 + o + rng.normal(0, spread, 25)), (), 2.3 + o, 0.1, 0.0)
            for o in rng.normal(0, 1, seeds)
        ]

    quiet, loud = curve_of_ends(made(5, 1e-6), rates), curve_of_ends(made(5, 0.1), rates)
    assert quiet.noise < 1e-5  # offsets between models are no noise
    assert 0.01 < loud.noise < 0.1
    assert curve_of_ends(made(1, 0.1), rates).noise == 0.0
    blown = [
        dataclasses.replace(s, losses=(*s.losses[:20], *[float("inf")] * 5)) for s in made(2, 0)
    ]
    assert np.isfinite(curve_of_ends(blown, rates).mean).all()


def test_a_ramp_that_blows_up_with_its_first_updates_gets_a_reason():
    x, y = classes()
    found = lr_range_test(classifier(data=(1e6 * x, y)), low=1.0, high=100.0)
    assert found.suggestion is None
    assert "blows up at once" in found.reason
    assert found.divergence == pytest.approx(1.0, rel=0.2)


@pytest.mark.parametrize(
    "fields",
    [
        {"loss": nn.CrossEntropyLoss(reduction="sum"), "optimizer": partial(SGD, lr=1e-3)},
        {
            "data": [
                {"x": classes()[0][i : i + 60], "y": classes()[1][i : i + 60]}
                for i in range(0, 600, 60)
            ]
        },
    ],
    ids=["sum", "dicts"],
)
def test_the_untrained_model_is_where_the_curve_starts(fields):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = classifier().model()

        def forward(self, x):
            return self.net(x)

    found = fresh_sweeps(classifier(model=Net, **fields), [0], [1e-9, 1e-8], engine="sequential")
    assert found[0].losses[0] == pytest.approx(found[0].start, rel=1e-4)
