"""Whatever goes wrong inside a watch is told in the trace and never ends or changes a training."""

import pytest
import torch
from torch import nn

import torchclinic as tc
from torchclinic.watch.live_recorder import LiveRecorder
from torchclinic.watch.output_reader import OutputReader
from torchclinic.watch.parameter_reader import ParameterReader
from torchclinic.watch.seen import Seen
from watch.trainings import batches, loss_of


def broken(*args, **kwargs):
    raise ZeroDivisionError("inside the watch")


def run(every=1, steps=40):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    updater = torch.optim.SGD(model.parameters(), lr=0.1)
    watch = tc.watch(model, updater, every=every) if every else None
    losses = []
    if watch:
        watch.start()
    for x, y in batches(steps):
        updater.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        updater.step()
        losses.append(loss.item())
    if watch:
        watch.stop()
        assert not any(module._forward_hooks for module in model.modules())
    return losses, watch.trace if watch else None


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (OutputReader, "read"),
        (ParameterReader, "before"),
        (ParameterReader, "updates"),
    ],
)
def test_a_failure_while_reading_ends_the_reading_and_not_the_training(monkeypatch, owner, name):
    monkeypatch.setattr(owner, name, broken)
    losses, trace = run()
    assert losses == run(every=None)[0]
    assert any("inside the watch" in note for note in trace.notes)
    assert len(trace.steps["loss"]) == 40


def test_a_failure_at_an_output_is_told_at_the_layer(monkeypatch):
    monkeypatch.setattr(Seen, "keep", broken)
    losses, trace = run()
    assert losses == run(every=None)[0]
    assert "inside the watch" in trace.layer("0").not_applicable["activation_mean"]
    assert len(trace.layer("0")["update_ratio"]) == 40


@pytest.mark.parametrize("method", ["begin", "result"])
def test_a_forward_pass_that_cannot_be_followed_leaves_activations_unknown(monkeypatch, method):
    monkeypatch.setattr(LiveRecorder, method, broken)
    losses, trace = run()
    assert losses == run(every=None)[0]
    assert "inside the watch" in trace.layer("0").not_applicable["silent_share"]
    assert len(trace.layer("0")["activation_mean"]) == 40


def test_an_output_without_a_float_says_so():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(6, 3)
            self.own = Rounded()

        def forward(self, x):
            return self.inner(x) + 0 * self.own(x)[0].sum()

    class Rounded(nn.Linear):
        def __init__(self):
            super().__init__(6, 3)

        def forward(self, x):
            return (super().forward(x).long(), None)

    model = Counts()
    updater = torch.optim.SGD(model.parameters(), lr=0.1)
    with tc.watch(model, updater, every=1) as watch:
        for x, y in batches(2):
            updater.zero_grad()
            loss_of(model, x, y).backward()
            updater.step()
    said = watch.trace.layer("own").not_applicable
    assert "no floating-point tensor" in said["activation_mean"]


def test_a_model_without_parameters_is_watched_without_layers():
    model = nn.Sequential(nn.Flatten(), nn.ReLU())
    with tc.watch(model, every=1) as watch:
        leaf = torch.ones(2, 3, requires_grad=True)
        model(leaf).sum().backward()
    assert watch.trace.layers == ()
    assert watch.trace.steps["loss"].values == (6.0,)
