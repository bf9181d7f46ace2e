"""The loop against loops written by hand, each the plainest form of what it checks."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import LBFGS, SGD, AdamW
from torch.optim.lr_scheduler import OneCycleLR, StepLR

from torchclinic.core import Penalty, RecipeError, Schedule
from torchclinic.training import seeded, stream_seed, train
from training.parts import line, plain_net, recipe, rows

DOUBLE = partial(plain_net, dtype=torch.float64)
DATA = rows(dtype=torch.float64)


def net_of_seed(make, seed):
    with seeded(seed):
        return make()


def orders(count, epochs, seed):
    """The rows of each epoch: a fresh permutation from the data's own generator."""
    generator = torch.Generator().manual_seed(stream_seed(seed, "data order"))
    return [torch.randperm(count, generator=generator) for _ in range(epochs)]


def state_equal(model, other, **tolerance):
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, **(tolerance or {"rtol": 0, "atol": 0}))


def test_plain_sgd_is_bitwise_the_bare_loop():
    x, y = rows()
    run = train(recipe(epochs=4), 5, keep_model=True)
    net = net_of_seed(plain_net, 5)
    optimizer = SGD(net.parameters(), lr=0.1)
    losses = []
    for order in orders(70, 4, 5):
        for index in order.split(16):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[index]), y[index])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert list(run.history.losses) == losses
    state_equal(run.model, net)


def test_dropout_and_batchnorm_are_bitwise_the_bare_loop():
    def make():
        return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.4), nn.Linear(8, 3))

    x, y = rows()
    run = train(recipe(model=make, epochs=3), 1, keep_model=True)
    net = net_of_seed(make, 1)
    optimizer = SGD(net.parameters(), lr=0.1)
    with seeded(stream_seed(1, "training")):
        for order in orders(70, 3, 1):
            for index in order.split(16):
                optimizer.zero_grad()
                F.cross_entropy(net(x[index]), y[index]).backward()
                optimizer.step()
    state_equal(run.model, net)
    assert torch.equal(run.model[1].running_var, net[1].running_var)


def test_momentum_schedule_clip_accumulation_and_penalties():
    x, y = DATA
    made = recipe(
        model=DOUBLE,
        data=DATA,
        optimizer=partial(SGD, lr=0.2, momentum=0.9, weight_decay=0.01),
        schedule=Schedule(lambda o, n: OneCycleLR(o, max_lr=0.3, total_steps=n), name="one cycle"),
        penalties=(Penalty("l1", 0.003), Penalty("l2", 0.02, parameters="2.*")),
        clip_norm=0.4,
        clip_value=0.2,
        accumulate=2,
        epochs=4,
    )
    run = train(made, 3, keep_model=True)

    net = net_of_seed(DOUBLE, 3)
    optimizer = SGD(net.parameters(), lr=0.2, momentum=0.9, weight_decay=0.01)
    schedule = OneCycleLR(optimizer, max_lr=0.3, total_steps=4 * 3)
    losses, rates, norms = [], [], []
    for order in orders(70, 4, 3):
        batches = order.split(16)  # 16, 16 | 16, 16 | 6
        for group in (batches[0:2], batches[2:4], batches[4:5]):
            index = torch.cat(group)
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[index]), y[index])
            l1 = net[0].weight.abs().sum() + net[2].weight.abs().sum()
            (loss + 0.003 * l1 + 0.02 * net[2].weight.square().sum()).backward()
            norms.append(nn.utils.clip_grad_norm_(net.parameters(), 0.4).item())
            nn.utils.clip_grad_value_(net.parameters(), 0.2)
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
            losses.append(loss.item())

    history = run.history
    assert history.losses == pytest.approx(losses, rel=1e-12)
    assert history.learning_rates == pytest.approx(rates, rel=1e-15)
    assert history.gradient_norms == pytest.approx(norms, rel=1e-12)
    assert (history.steps_per_epoch, history.planned_steps) == (3, 12)
    state_equal(run.model, net, rtol=1e-12, atol=1e-14)


def test_a_penalty_also_weighs_norms_and_biases_when_told():
    made = recipe(
        model=DOUBLE,
        data=DATA,
        batch_size=None,
        steps=5,
        penalties=(Penalty("l2", 0.1, skip_norms_and_biases=False),),
    )
    run = train(made, 0, keep_model=True)
    net = net_of_seed(DOUBLE, 0)
    optimizer = SGD(net.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        penalty = sum(p.square().sum() for p in net.parameters())
        (F.cross_entropy(net(DATA[0]), DATA[1]) + 0.1 * penalty).backward()
        optimizer.step()
    state_equal(run.model, net, rtol=1e-12, atol=1e-14)


def test_the_recorded_loss_leaves_penalties_out():
    bare = train(recipe(steps=1))
    heavy = train(recipe(steps=1, penalties=(Penalty("l2", 1e3),)))
    assert bare.history.losses == heavy.history.losses


def test_schedule_once_an_epoch_and_bare_factories():
    made = recipe(schedule=partial(StepLR, step_size=2, gamma=0.1), epochs=5)
    run = train(made)
    expected = [0.1] * 10 + [0.01] * 10 + [0.001] * 5
    assert run.history.learning_rates == pytest.approx(expected, rel=1e-12)


def test_adamw_with_a_step_of_ones_own():
    x, y = line(dtype=torch.float64)

    def step(model, batch):
        inputs, targets = batch
        noise = 0.1 * torch.randn(inputs.shape, dtype=inputs.dtype)
        return (model(inputs + noise) - targets).abs().mean()

    make = partial(nn.Linear, 2, 1, dtype=torch.float64)
    made = recipe(
        model=make, data=(x, y), loss=None, step=step, optimizer=partial(AdamW, lr=0.05), steps=20
    )
    run = train(made, 7, keep_model=True)
    net = net_of_seed(make, 7)
    optimizer = AdamW(net.parameters(), lr=0.05)
    index = [i for order in orders(60, 5, 7) for i in order.split(16)][:20]
    with seeded(stream_seed(7, "training")):
        for chosen in index:
            optimizer.zero_grad()
            step(net, (x[chosen], y[chosen])).backward()
            optimizer.step()
    state_equal(run.model, net)


def test_lbfgs_gets_its_closure_with_penalties():
    x, y = line(dtype=torch.float64)
    make = partial(nn.Linear, 2, 1, dtype=torch.float64)
    made = recipe(
        model=make,
        data=(x, y),
        loss=nn.MSELoss(),
        batch_size=None,
        optimizer=partial(LBFGS, line_search_fn="strong_wolfe"),
        penalties=(Penalty("l2", 0.05),),
        steps=3,
    )
    run = train(made, 2, keep_model=True)
    net = net_of_seed(make, 2)
    optimizer = LBFGS(net.parameters(), line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(net(x), y) + 0.05 * net.weight.square().sum()
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    state_equal(run.model, net, rtol=1e-9, atol=1e-12)
    assert run.history.losses[-1] < run.history.losses[0]


@pytest.mark.parametrize("accumulate", [1, 2, 3, 5, 100])
def test_accumulating_equals_one_large_batch(accumulate):
    small = recipe(model=DOUBLE, data=DATA, shuffle=False, batch_size=10, accumulate=accumulate)
    large = small.replace(batch_size=10 * accumulate, accumulate=1)
    ours, theirs = train(small, keep_model=True), train(large, keep_model=True)
    assert len(ours.history.losses) == len(theirs.history.losses)
    state_equal(ours.model, theirs.model, rtol=1e-12, atol=1e-14)


def test_a_gradient_scaler_changes_nothing_that_does_not_overflow(monkeypatch):
    """Scaling by a power of two is exact, so clipping and penalties must see unscaled gradients."""
    made = recipe(clip_norm=0.3, penalties=(Penalty("l2", 0.01),), accumulate=2)
    plain = train(made, keep_model=True)
    scaler = lambda *_: torch.amp.GradScaler("cpu", init_scale=2.0**10)  # noqa: E731
    monkeypatch.setattr("torchclinic.training.update._scaler", scaler)
    scaled = train(made, keep_model=True)
    assert scaled.history.losses == plain.history.losses
    assert scaled.history.gradient_norms == plain.history.gradient_norms
    state_equal(scaled.model, plain.model)
    with pytest.raises(RecipeError, match="LBFGS evaluates a closure, which float16 cannot scale"):
        train(made.replace(optimizer=LBFGS))


def test_bfloat16_autocast_is_torchs():
    x, y = rows()
    run = train(recipe(autocast="bfloat16", steps=6, batch_size=None), keep_model=True)
    net = net_of_seed(plain_net, 0)
    optimizer = SGD(net.parameters(), lr=0.1)
    for _ in range(6):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    state_equal(run.model, net)
    full = train(recipe(steps=6, batch_size=None), keep_model=True)
    assert not torch.equal(full.model[0].weight, run.model[0].weight)
