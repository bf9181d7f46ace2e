"""Tracing keeps what a model computes in both modes, or says why it cannot."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from graph.models import HEALTHY
from torchclinic.core import SurgeryError
from torchclinic.graph import trace
from torchclinic.nn import DropConnectLinear, GaussianDropout, LockedDropout, StochasticDepth

UNTRACEABLE = {"recurrence"}


@pytest.mark.parametrize("name", sorted(set(HEALTHY) - UNTRACEABLE))
@pytest.mark.parametrize("training", [True, False])
def test_a_trace_computes_the_same(name, training):
    make, inputs = HEALTHY[name]
    model = make().train(training)
    graph = trace(model)
    assert graph.training is training
    torch.manual_seed(1)
    expected = model(inputs())
    torch.manual_seed(1)
    result = graph(inputs())
    if isinstance(expected, dict):
        expected, result = expected["scores"], result["scores"]
    assert torch.equal(expected, result)
    own = {id(p) for p in model.parameters()}
    assert {id(p) for p in graph.parameters()} <= own


class Functional(nn.Module):
    def __init__(self, always):
        super().__init__()
        self.fc, self.always = nn.Linear(4, 4), always

    def forward(self, x):
        return F.dropout(self.fc(x), 0.5, training=self.always or self.training)


def test_functional_dropout_follows_the_mode_after_tracing():
    graph = trace(Functional(always=False))
    x = torch.ones(64, 4)
    assert (graph.train()(x) == 0).any()
    assert not (graph.eval()(x) == 0).any()


def test_dropout_that_is_always_on_stays_so():
    assert (trace(Functional(always=True)).eval()(torch.ones(64, 4)) == 0).any()


class Branches(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class ByMode(nn.Module):
    def forward(self, x):
        return x * 2 if self.training else x


@pytest.mark.parametrize(
    ("model", "reason"),
    [(Branches(), "cannot trace Branches"), (ByMode(), "in each mode")],
)
def test_what_cannot_be_traced_says_why(model, reason):
    with pytest.raises(SurgeryError, match=reason):
        trace(model)


def test_a_loop_over_time_says_why():
    with pytest.raises(SurgeryError, match="Recurrence"):
        trace(HEALTHY["recurrence"][0]())


class Draws(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen.add_(1)
        return x + torch.rand(3)


def test_frozen_chance_is_refused_and_tracing_leaves_no_mark():
    model, state = Draws(), torch.get_rng_state()
    names = set(vars(model))
    with pytest.raises(SurgeryError, match="each time"):
        trace(model)
    assert set(vars(model)) == names
    assert torch.equal(state, torch.get_rng_state())
    assert model.seen == 0


def test_flags_of_single_modules_survive():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4).eval())
    trace(model)
    assert (model.training, model[0].training, model[1].training) == (True, True, False)


@pytest.mark.parametrize(
    "layer", [DropConnectLinear(4, 4), LockedDropout(0.5), StochasticDepth(0.2), GaussianDropout()]
)
def test_our_layers_count_as_one_operation(layer):
    model = nn.Sequential(nn.Linear(4, 4), layer, nn.ReLU())
    nodes = [(n.op, str(n.target)) for n in trace(model).graph.nodes]
    assert nodes[1:4] == [("call_module", "0"), ("call_module", "1"), ("call_module", "2")]
