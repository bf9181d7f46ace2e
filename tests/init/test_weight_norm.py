"""Weight normalisation's start: what the paper promises, on plain and on normalised layers."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from torchclinic.init import initialize, weight_norm_


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def rows(*shape):
    return torch.randn(*shape, generator=generator(1)) * 7 + 3


def mlp(wrap=lambda layer: layer):
    first, second, last = nn.Linear(6, 20), nn.Linear(20, 20), nn.Linear(20, 3)
    return nn.Sequential(wrap(first), nn.Tanh(), wrap(second), nn.ReLU(), wrap(last))


def pre_activations(model, x):
    found = []
    for layer in model:
        x = layer(x)
        if hasattr(layer, "weight"):
            dim = 1 if x.dim() > 2 else -1
            found.append(x.detach().movedim(dim, -1).flatten(0, -2))
    return found


@pytest.mark.parametrize("wrap", [lambda layer: layer, weight_norm], ids=["plain", "weight norm"])
def test_each_unit_has_mean_0_and_variance_1(wrap):
    model, x = mlp(wrap), rows(300, 6)
    report = weight_norm_(model, lambda m: m(x), generator=generator())
    assert len(report.filled) == 3
    assert not report.left
    for values in pre_activations(model, x):
        assert values.mean(0).abs().max() < 1e-4
        assert (values.std(0, correction=0) - 1).abs().max() < 1e-4


def test_convolutions_by_channel():
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.ConvTranspose2d(4, 3, 2))
    x = rows(20, 2, 6, 6)
    weight_norm_(model, lambda m: m(x), generator=generator())
    for values in pre_activations(model, x):
        assert values.mean(0).abs().max() < 1e-4
        assert (values.std(0, correction=0) - 1).abs().max() < 1e-4


def test_g_and_v_are_the_papers():
    layer = weight_norm(nn.Linear(6, 400))
    x = rows(300, 6)
    weight_norm_(nn.Sequential(layer), lambda m: m(x), generator=generator())
    parts = layer.parametrizations.weight
    v, g = parts.original1.detach(), parts.original0.detach()[:, 0]
    assert v.std().item() == pytest.approx(0.05, rel=0.05)
    t = x @ (v / v.norm(dim=1, keepdim=True)).T
    assert torch.allclose(g, 1 / t.std(0, correction=0), rtol=1e-4)
    assert torch.allclose(layer.bias.detach(), -t.mean(0) / t.std(0, correction=0), atol=1e-4)


def test_plain_and_normalised_layers_get_the_same_weight():
    plain, normed, x = mlp(), mlp(weight_norm), rows(100, 6)
    for model in (plain, normed):
        weight_norm_(model, lambda m: m(x), generator=generator(4))
    for one, other in zip(plain[::2], normed[::2], strict=True):
        assert torch.allclose(one.weight, other.weight, atol=1e-5)


def test_the_lectures_form_divides_by_the_wrong_length():
    """With t = v x / |x|, as the lecture has it, the pre-activation is not standardised."""
    x = rows(300, 6)
    v = torch.randn(6, generator=generator()) * 0.05
    wrong = x @ v / x.norm(dim=1)
    h = x @ v / v.norm() / wrong.std() - wrong.mean() / wrong.std()
    right = x @ v / v.norm()
    assert abs(h.std() - 1) > 1
    assert abs((right / right.std() - right.mean() / right.std()).std() - 1) < 1e-5


def test_only_parameters_change_and_the_generator_decides():
    model = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Dropout(), nn.Linear(5, 2)).eval()
    x, state = rows(50, 6), torch.get_rng_state()
    buffers = [b.clone() for b in model.buffers()]
    weight_norm_(model, lambda m: m(x), generator=generator(2))
    first = model[0].weight.detach().clone()
    weight_norm_(model, lambda m: m(x), generator=generator(2))
    assert torch.equal(first, model[0].weight)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(map(torch.equal, buffers, model.buffers()))
    assert not model.training


def test_frozen_layers_and_silent_inputs_are_left_with_a_reason():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4, bias=False), nn.Linear(4, 1))
    model[2].weight.requires_grad_(False)
    before = [layer.weight.detach().clone() for layer in model]
    report = weight_norm_(model, lambda m: m(torch.zeros(8, 3)), generator=generator())
    reasons = {row.parameter: row.method for row in report.left}
    assert "does not vary" in reasons["0"]
    assert "frozen" in reasons["2"]
    assert all(torch.allclose(a, layer.weight) for a, layer in zip(before, model, strict=True))
    report = weight_norm_(model, lambda m: m(rows(20, 3)), generator=generator())
    methods = {row.parameter: row.method for row in report.filled}
    assert methods["1"] == "weight norm's start, g = 1 / sigma"


def test_through_the_front_door():
    model, x = mlp(), rows(200, 6)
    initialize(model, "weight-norm", inputs=x, std=0.2, generator=generator())
    assert (pre_activations(model, x)[-1].std(0, correction=0) - 1).abs().max() < 1e-4
