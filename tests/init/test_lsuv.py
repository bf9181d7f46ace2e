"""LSUV reaches unit variance at every layer and leaves everything else as it was."""

import pytest
import torch
from torch import nn

from graph.models import HEALTHY
from torchclinic.graph import ForwardRecorder
from torchclinic.graph.layer_kinds import MAPS
from torchclinic.init import lsuv_


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def variances(model, run):
    found = {}

    def note(name, output):
        found[name] = output.detach().float().var(correction=0).item()

    with ForwardRecorder(model, note) as recorder, torch.no_grad():
        run(model)
    maps = {layer.name for layer in recorder.result().layers if layer.kind in MAPS}
    return {name: value for name, value in found.items() if name in maps}


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Sigmoid, nn.Tanh, nn.GELU])
@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_thirty_layers_of_any_activation_at_any_scale(activation, scale):
    blocks = [[nn.Linear(32, 32), activation()] for _ in range(30)]
    model = nn.Sequential(*(module for block in blocks for module in block), nn.Linear(32, 5))
    x = torch.randn(128, 32, generator=generator()) * scale
    state = torch.get_rng_state()
    report = lsuv_(model, lambda m: m(x), generator=generator())
    assert torch.equal(state, torch.get_rng_state())
    found = variances(model, lambda m: m(x))
    assert len(found) == 31 == len(report.filled)
    assert all(abs(value - 1) < 0.1 for value in found.values())


@pytest.mark.parametrize("name", sorted(set(HEALTHY) - {"lstm", "post-norm", "pre-norm"}))
def test_every_kind_of_model(name):
    make, inputs = HEALTHY[name]
    model = make()
    batch = torch.cat([inputs(), -inputs()])
    buffers = {key: value.clone() for key, value in model.named_buffers()}
    flags = [module.training for module in model.modules()]
    state = torch.get_rng_state()
    report = lsuv_(model, lambda m: m(batch), generator=generator())
    assert torch.equal(state, torch.get_rng_state())
    assert [module.training for module in model.modules()] == flags
    for key, value in model.named_buffers():
        assert torch.equal(value, buffers[key])
    assert report.left == ()
    reached = [float(row.method.split()[-1]) for row in report.filled]
    assert reached
    assert all(abs(value - 1) < 0.1 for value in reached)


def test_only_scales_where_orthonormal_is_off():
    model = nn.Linear(6, 4)
    before = model.weight.detach().clone()
    x = torch.randn(64, 6, generator=generator())
    lsuv_(model, lambda m: m(x), orthonormal=False)
    ratio = model.weight.detach() / before
    assert torch.allclose(ratio, ratio[0, 0].expand_as(ratio), rtol=1e-4)


def test_layers_without_variance_or_without_permission_are_left():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    model[2].weight.requires_grad_(False)
    report = lsuv_(model, lambda m: m(torch.zeros(8, 4)), generator=generator())
    reasons = {row.parameter: row.method for row in report.left}
    assert set(reasons) == {"0", "2"}
    assert "variance of its output is 0" in reasons["0"]
    assert "frozen" in reasons["2"]


def test_no_more_iterations_than_allowed():
    runs = []
    model = nn.Linear(4, 4)
    x = torch.randn(32, 4, generator=generator()) * 50

    def run(m):
        runs.append(1)
        return m(x)

    lsuv_(model, run, orthonormal=False, tolerance=0.0, max_iterations=3)
    assert len(runs) == 1 + 1 + 3
