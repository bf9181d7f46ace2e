"""Probes of third parties: read like ours, and harmless when they fail."""

import pytest
import torch
from torch import nn

from torchclinic.probes import PROBES, Need
from torchclinic.watch import WatchOptions
from watch.trainings import batches, loss_of


class Mine:
    """A probe whose `read` a test chooses."""

    name, unit, cheap = "mine", "as the output", True

    def __init__(self, read, need=Need.OUTPUT):
        self.read, self.need = read, need

    def why_not(self, layer):
        return "not at the head" if layer.name == "2" else ""


@pytest.fixture
def register():
    def add(probe):
        PROBES.add(probe.name, probe)

    yield add
    PROBES._members.pop("mine", None)


def watched(steps=40):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    updater = torch.optim.SGD(model.parameters(), lr=0.1)
    with WatchOptions(every=1).start(model, updater) as watch:
        for x, y in batches(steps):
            updater.zero_grad()
            loss_of(model, x, y).backward()
            updater.step()
    return watch.trace


def test_a_probe_of_ones_own_is_read_at_the_layers_it_names(register):
    register(Mine(lambda sample: sample.values.abs().sum(-1)))
    trace = watched()
    assert len(trace.layer("0")["mine"]) == 40
    assert trace.layer("2").not_applicable["mine"] == "not at the head"


def broken(sample):
    raise ZeroDivisionError("of mine")


def misshapen(sample):
    return torch.zeros(7)


@pytest.mark.parametrize("need", [Need.OUTPUT, Need.OUTPUT_GRADIENT, Need.UNIT_MAXIMA])
@pytest.mark.parametrize("read", [broken, misshapen])
def test_a_probe_that_fails_says_so_and_stops_nothing_else(register, need, read):
    register(Mine(read, need))
    trace = watched()
    layer = trace.layer("0")
    assert len(layer["mine"]) == 0
    said = layer.not_applicable["mine"]
    assert ("of mine" if read is broken else "shape") in said
    for name in ("activation_mean", "output_gradient_rms", "silent_share", "update_ratio"):
        assert len(layer[name]) > 0, name


@pytest.mark.parametrize("need", [Need.PARAMETER_GRADIENT, Need.WEIGHT, Need.UPDATE])
def test_a_probe_of_norms_that_fails_says_so(register, need):
    register(Mine(broken, need))
    trace = watched()
    assert "of mine" in trace.layer("0").not_applicable["mine"]
    assert len(trace.layer("0")["weight_norm"]) == 40


def test_a_probe_of_elements_that_fails_says_so(register):
    register(Mine(broken, Need.ELEMENTS))
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    with torch.no_grad():
        model[0].weight[0, 0] = float("nan")
    updater = torch.optim.SGD(model.parameters(), lr=0.1)
    with WatchOptions(every=1).start(model, updater) as watch:
        for x, y in batches(3):
            updater.zero_grad()
            loss_of(model, x, y).backward()
            updater.step()
    assert "of mine" in watch.trace.layer("0").not_applicable["mine"]
    assert watch.trace.layer("0")["nonfinite"].last > 0
