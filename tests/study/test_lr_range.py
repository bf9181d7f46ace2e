"""`lr_range_test` on real small trainings."""

import copy
import math
import random
import time
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam
from torch.utils.data import DataLoader, TensorDataset

from study.lr_recipes import adam, classes, classifier, known, line, regression, relu_net
from torchclinic.core import LRRange, ModelError, RecipeError, UsageError
from torchclinic.study import lr_range_test
from torchclinic.study.lr_range import range_test
from torchclinic.study.lr_range.sweep import Dial, sweep
from torchclinic.training import train


def test_a_linear_model_blows_up_near_two_over_the_curvature():
    x, _ = line()
    curvature = float(torch.linalg.eigvalsh(2 * x.T @ x / len(x)).max())
    found = lr_range_test(regression(batch_size=None))
    assert found.divergence is not None
    assert 2 / curvature <= found.divergence <= 15 / curvature  # it takes some steps to show
    assert found.suggestion is not None
    assert 0.01 < found.suggestion * curvature < 2


def final_loss(recipe, rate, factory):
    runs = [
        train(recipe.replace(optimizer=partial(factory, lr=rate)), s, evaluate_train=True)
        for s in range(2)
    ]
    ends = [run.history.last("train") for run in runs]
    losses = [end.loss for end in ends if end is not None]
    return float(np.mean(losses)) if all(map(math.isfinite, losses)) else math.inf


@pytest.mark.parametrize(
    "factory", [SGD, partial(SGD, momentum=0.9), Adam], ids=["sgd", "mom", "adam"]
)
def test_the_suggestion_is_near_the_best_rate_of_full_trainings(factory):
    recipe = classifier(optimizer=partial(factory, lr=1e-3))
    rates = np.geomspace(1e-4, 10, 11)
    losses = [final_loss(recipe, float(rate), factory) for rate in rates]
    best = float(rates[int(np.argmin(losses))])
    found = lr_range_test(recipe)
    assert found.reason == ""
    assert best / 10 <= known(found.suggestion) <= best * 10
    assert known(found.divergence) > best / 2
    assert final_loss(recipe, found.suggestion, factory) < 0.3 * math.log(10)


def test_the_curve_and_its_band():
    found = lr_range_test(classifier(), seeds=3)
    points = len(found.learning_rates)
    assert len(found.losses) == len(found.low) == len(found.high) == points <= 150
    assert found.learning_rates[0] == pytest.approx(1e-7)
    assert all(np.diff(found.learning_rates) > 0)
    for low, loss, high in zip(found.low, found.losses, found.high, strict=True):
        assert low <= loss <= high
        assert math.isfinite(high)
    assert found.losses[0] == pytest.approx(math.log(10), rel=0.2)
    assert (found.seeds, found.configured) == (3, 0.1)


def test_the_same_call_gives_the_same_curve():
    assert lr_range_test(classifier()) == lr_range_test(classifier())
    assert lr_range_test(classifier(), seeds=[5]) != lr_range_test(classifier(), seeds=[6])


def test_everything_is_left_untouched():
    net = nn.Sequential(
        nn.Linear(20, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 10)
    ).eval()
    before = copy.deepcopy(net.state_dict())
    generator = torch.Generator().manual_seed(4)
    loader = DataLoader(TensorDataset(*classes()), 32, shuffle=True, generator=generator)
    recipe = classifier(model=net, data=loader, batch_size=None)
    torch.manual_seed(9)
    np.random.seed(9)
    random.seed(9)
    expected = float(torch.rand(())), np.random.random(), random.random()
    torch.manual_seed(9)
    np.random.seed(9)
    random.seed(9)
    first = lr_range_test(recipe)
    assert (float(torch.rand(())), np.random.random(), random.random()) == expected
    assert torch.equal(generator.get_state(), torch.Generator().manual_seed(4).get_state())
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert not net.training
    assert lr_range_test(recipe) == first
    torch.manual_seed(9)
    reference = train(classifier(), 3, max_steps=5).history.losses
    lr_range_test(classifier())
    assert train(classifier(), 3, max_steps=5).history.losses == reference


def test_model_and_data_order_are_those_of_the_training():
    seen = []

    def step(model, batch):
        if model.training and torch.is_grad_enabled():
            seen.append(float(batch[0].sum()))
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    recipe = classifier(loss=None, step=step)
    train(recipe, 4, max_steps=3)
    trained = seen[:3]
    seen.clear()
    sweep(recipe, 4, [1e-7, 2e-7, 4e-7])
    assert list(dict.fromkeys(seen))[:3] == trained


def test_a_sweep_is_a_training_with_a_rising_rate():
    rates = np.geomspace(1e-3, 1e-1, 20).tolist()
    recipe = classifier()
    found = sweep(recipe, 1, rates)

    class Rising(torch.optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            return [rates[min(self.last_epoch, len(rates) - 1)] for _ in self.base_lrs]

    from torchclinic.core import Schedule

    schedule = Schedule(lambda optimizer, _: Rising(optimizer), per="step")
    losses = train(recipe.replace(schedule=schedule), 1, max_steps=21).history.losses
    assert found.start == pytest.approx(losses[0])
    assert found.losses == pytest.approx(losses[1:])


X, Y = classes()
AS_DICT = {"x": X, "label": Y}


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = relu_net()

    def forward(self, x):
        return {"logits": self.net(x)}


@pytest.mark.parametrize(
    "changes",
    [
        {"accumulate": 4, "batch_size": 8},
        {"data": AS_DICT, "model": Named},
        {"data": [(X[i : i + 30], Y[i : i + 30]) for i in range(0, 600, 30)]},
        {"loss": None, "step": lambda m, b: nn.functional.cross_entropy(m(b[0]), b[1])},
        {"clip_norm": 1.0},
        {"clip_value": 0.1},
        {"optimizer": partial(torch.optim.RMSprop, lr=1e-3)},
        {"optimizer": partial(torch.optim.AdamW, lr=1e-3, betas=(0.8, 0.9))},
        {"model": lambda: nn.Sequential(nn.LazyLinear(32), nn.ReLU(), nn.LazyLinear(10))},
        {"autocast": "bfloat16"},
        {"schedule": lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1)},
    ],
    ids="-".join,
)
def test_every_kind_of_recipe_gets_a_suggestion(changes):
    found = lr_range_test(classifier(**changes), seeds=2)
    assert found.reason == ""
    assert 1e-4 < known(found.suggestion) < 10


def test_a_closure_optimizer_is_swept():
    found = lr_range_test(
        regression(optimizer=partial(torch.optim.LBFGS, lr=1.0)), seeds=1, steps=40
    )
    assert found.learning_rates
    assert bool(found.suggestions) != bool(found.reason)


def test_accumulation_counts_updates_not_batches():
    rows = []

    def step(model, batch):
        rows.append(len(batch[0]))
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    sweep(classifier(loss=None, step=step, accumulate=3, batch_size=10), 0, [1e-7, 2e-7])
    assert sum(rows) == 10 * 3 * (1 + 3 + 2)  # start, three updates, two untrained looks


def test_groups_keep_their_ratio_and_their_momentum():
    first, second = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    groups = [{"params": [first], "lr": 0.01}, {"params": [second], "lr": 0.001, "momentum": 0.5}]
    optimizer = SGD(groups, lr=0.1, momentum=0.9)
    dial = Dial(optimizer)
    dial.turn(2.0)
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([2.0, 0.2])
    assert [g["momentum"] for g in optimizer.param_groups] == [0.9, 0.5]
    assert dial.configured == 0.01


@pytest.mark.parametrize(("rates", "turned"), [((0.0, 0.1), (0.0, 1.0)), ((0.0, 0.0), (1.0, 1.0))])
def test_a_first_group_without_a_rate(rates, turned):
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    optimizer = SGD(groups, lr=0.1)
    Dial(optimizer).turn(1.0)
    assert tuple(g["lr"] for g in optimizer.param_groups) == turned


def test_a_rate_that_is_a_tensor_is_turned_in_place():
    optimizer = Adam([nn.Parameter(torch.zeros(1))], lr=torch.tensor(0.1))
    own = optimizer.param_groups[0]["lr"]
    Dial(optimizer).turn(0.25)
    assert optimizer.param_groups[0]["lr"] is own
    assert float(own) == 0.25


def test_a_net_that_cannot_learn_gets_a_reason():
    def frozen_output():
        output = nn.Linear(32, 10).requires_grad_(False)
        nn.init.zeros_(output.weight)
        return nn.Sequential(nn.Linear(20, 32), nn.ReLU(), output)

    found = lr_range_test(classifier(model=frozen_output))
    assert found.suggestion is None
    assert "within the noise" in found.reason


def test_a_net_paralysed_by_sigmoids_gets_a_reason():
    def deep():
        layers = []
        for size in (20, 32, 32, 32, 32, 32):
            layers += [nn.Linear(size, 32), nn.Sigmoid()]
        return nn.Sequential(*layers, nn.Linear(32, 10))

    found = lr_range_test(classifier(model=deep))
    assert found.suggestion is None or "valley" not in found.suggestions


NOTHING = LRRange(learning_rates=(1.0,), reason="nothing moves")


@pytest.mark.parametrize(
    ("first", "options", "lengths"),
    [
        (NOTHING, {}, [150, 600]),
        (NOTHING, {"max_seconds": 9.0}, [150, 600]),
        (NOTHING, {"max_seconds": 4.0}, [150]),
        (NOTHING, {"steps": 150}, [150]),
        (LRRange(learning_rates=(1.0,), divergence=0.1, reason="blows up"), {}, [150]),
        (LRRange(learning_rates=(1.0,), suggestions={"valley": 0.1}), {}, [150]),
        (LRRange(reason="not finite"), {}, [150]),
    ],
)
def test_a_slower_test_follows_where_the_first_shows_nothing(monkeypatch, first, options, lengths):
    seen = []

    def measured(recipe, seeds, rates, max_seconds):
        seen.append(len(rates))
        return first, 1.0

    monkeypatch.setattr(range_test, "_measured", measured)
    lr_range_test(classifier(), **options)
    assert seen == lengths


def test_a_slower_test_finds_what_the_first_cannot():
    net = lambda: nn.Sequential(  # noqa: E731
        nn.Linear(20, 64), nn.Sigmoid(), nn.Linear(64, 64), nn.Sigmoid(), nn.Linear(64, 10)
    )
    quick = lr_range_test(classifier(model=net), steps=150)
    slow = lr_range_test(classifier(model=net), steps=1200)
    assert quick.suggestion is None
    assert 0.2 < known(slow.suggestion) < 20


def test_data_of_a_huge_scale_blows_up_early():
    x, y = classes()
    small = lr_range_test(classifier())
    found = lr_range_test(classifier(data=(1000 * x, y)))
    assert known(found.divergence) < known(small.divergence) / 1000


def test_a_loss_that_is_not_finite_from_the_start_gets_a_reason():
    x, y = classes()
    found = lr_range_test(classifier(data=(x * math.nan, y)))
    assert found.suggestion is None
    assert "untrained model is not finite" in found.reason


def test_a_model_that_cannot_be_copied_is_swept_without_the_control():
    class Uncopyable(nn.Linear):
        def __deepcopy__(self, memo):
            raise TypeError("no copies")

    recipe = classifier(model=partial(Uncopyable, 20, 10))
    assert sweep(recipe, 0, [1e-4, 1e-3]).untrained == ()
    found = lr_range_test(recipe)
    assert found.suggestion is not None


def test_the_control_takes_out_the_noise_of_the_batches():
    from torchclinic.study.lr_range.curve import curve_of

    rates = np.geomspace(1e-7, 1e-4, 60).tolist()
    sweeps = [sweep(classifier(batch_size=4), seed, rates) for seed in range(3)]
    import dataclasses

    bare = curve_of([dataclasses.replace(s, untrained=()) for s in sweeps], rates)
    quiet = curve_of(sweeps, rates)
    assert quiet.noise < bare.noise / 50
    assert np.ptp(quiet.mean) < np.ptp(bare.mean) / 10


def test_a_short_purse_gives_fewer_seeds():
    assert lr_range_test(classifier(), seeds=4, max_seconds=1e-6).seeds == 1
    assert lr_range_test(classifier(), seeds=2, max_seconds=100).seeds == 2


def test_it_is_quick():
    lr_range_test(classifier(), seeds=1)
    started = time.process_time()
    lr_range_test(classifier())
    assert time.process_time() - started < 3.0  # 0.2 s on an idle core


def test_errors_are_typed():
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x):
            raise ValueError("no")

    with pytest.raises(ModelError):
        lr_range_test(classifier(model=Broken))

    class Rateless(SGD):
        def __init__(self, params):
            super().__init__(params, lr=0.1)
            del self.param_groups[0]["lr"]

    with pytest.raises(RecipeError, match="learning rate"):
        lr_range_test(classifier(optimizer=Rateless))


@pytest.mark.parametrize(
    "bad",
    [
        {"seeds": 0},
        {"seeds": [1, 1]},
        {"low": 1.0, "high": 0.1},
        {"low": 0.0},
        {"steps": 5},
        {"high": math.inf},
    ],
)
def test_senseless_calls_are_refused(bad):
    with pytest.raises(UsageError):
        lr_range_test(classifier(), **bad)


def test_adam_is_tested_at_its_own_scale():
    found = lr_range_test(classifier(optimizer=adam))
    assert 1e-3 < known(found.suggestion) < 0.1
