"""The observer changes nothing: 50 steps with and without it end bitwise the same."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

import torchclinic as tc
from torchclinic.probes import PROBES
from torchclinic.watch import WatchOptions
from watch.trainings import MODELS, batches, loss_of

STEPS = 50


def run(name, options=None, optimizer=torch.optim.SGD, accumulate=1, amp=False):
    torch.manual_seed(0)
    model = MODELS[name]()
    updater = optimizer(model.parameters(), lr=0.05)
    watching = nullcontext() if options is None else options.start(model, updater)
    losses = []
    with watching as watch:
        for index, (x, y) in enumerate(batches(STEPS)):
            with torch.autocast("cpu", torch.bfloat16, enabled=amp):
                loss = loss_of(model, x, y)
            (loss / accumulate).backward()
            losses.append(loss.detach())
            if (index + 1) % accumulate == 0:
                updater.step()
                updater.zero_grad()
            if index == STEPS // 2:
                with torch.no_grad():
                    model.eval()
                    model(x)
                    model.train()
    state = {**model.state_dict(), "losses": torch.stack(losses), "rng": torch.get_rng_state()}
    return state, model, watch


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for key in ours:
        assert torch.equal(ours[key], theirs[key]), key


@pytest.mark.parametrize("every", [None, 1, 7])
@pytest.mark.parametrize("name", MODELS)
def test_the_whole_watch_is_inert(name, every):
    bare, before, _ = run(name)
    watched, after, watch = run(name, WatchOptions(every=every))
    assert_same(bare, watched)
    for one, other in zip(before.parameters(), after.parameters(), strict=True):
        assert one.requires_grad == other.requires_grad
        assert (one.grad is None) == (other.grad is None)
    assert watch.trace.cost.readings > 0


@pytest.mark.parametrize("probe", list(PROBES))
def test_each_probe_is_inert_and_alone(probe):
    bare, _, _ = run("conv")
    watched, _, watch = run("conv", WatchOptions(every=1, statistics=[probe]))
    assert_same(bare, watched)
    read = {statistic for layer in watch.trace.layers for statistic in layer.series}
    assert read <= {probe}


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.RMSprop, torch.optim.AdamW])
def test_other_optimizers_and_accumulation_and_autocast(optimizer):
    for more in ({}, {"accumulate": 5}, {"amp": True}):
        bare, _, _ = run("conv", None, optimizer, **more)
        watched, _, watch = run("conv", WatchOptions(every=1), optimizer, **more)
        assert_same(bare, watched)
        assert watch.trace.cost.steps == STEPS // more.get("accumulate", 1)


def hooks(model):
    return sum(
        len(module._forward_hooks)
        + len(module._forward_pre_hooks)
        + len(module._backward_hooks)
        + len(module._backward_pre_hooks)
        for module in model.modules()
    ) + sum(len(p._backward_hooks or ()) for p in model.parameters())


def test_all_hooks_and_patches_are_gone_on_exit_and_on_exception():
    backward, autograd = torch.Tensor.backward, torch.autograd.backward
    model = MODELS["conv"]()
    updater = torch.optim.SGD(model.parameters(), lr=0.1)
    for fails in (False, True):
        with pytest.raises(ZeroDivisionError) if fails else nullcontext():  # noqa: SIM117
            with tc.watch(model, updater, every=1):
                for x, y in batches(3):
                    loss_of(model, x, y).backward()
                    updater.step()
                if fails:
                    raise ZeroDivisionError
        assert hooks(model) == 0
        assert not updater._optimizer_step_pre_hooks
        assert not updater._optimizer_step_post_hooks
        assert torch.Tensor.backward is backward
        assert torch.autograd.backward is autograd


def test_nested_watches_of_two_models():
    a, b = MODELS["mlp"](), MODELS["conv"]()
    first = torch.optim.SGD(a.parameters(), lr=0.1)
    second = torch.optim.SGD(b.parameters(), lr=0.1)
    with tc.watch(a, first, every=1) as one, tc.watch(b, second, every=1) as other:
        for x, y in batches(6):
            for model, updater in ((a, first), (b, second)):
                updater.zero_grad()
                loss_of(model, x, y).backward()
                updater.step()
    assert one.trace.cost.steps == other.trace.cost.steps == 6
    assert {layer.name for layer in one.trace.layers} == {"0", "3"}
    assert {layer.name for layer in other.trace.layers} >= {"1", "2", "6"}


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_a_hand_written_update_without_an_optimizer(rate):
    model = nn.Sequential(nn.Linear(6, 3))
    with tc.watch(model, every=1) as watch:
        for x, y in batches(4):
            model.zero_grad()
            loss_of(model, x, y).backward()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.sub_(rate * parameter.grad)
            model(x[:0])  # an empty batch counts for nothing
    assert watch.trace.cost.steps == 4
    assert len(watch.trace.layer("0")["gradient_rms"]) == 4
    assert all(
        (change > 0) == (rate > 0) for change in watch.trace.layer("0")["update_ratio"].values
    )
