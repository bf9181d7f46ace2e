"""The front door: every kind of layer gets what it needs, and nothing else is touched."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from graph.models import HEALTHY, Bare, images, residual_net, vectors
from torchclinic.core import UsageError
from torchclinic.functional import ACTIVATIONS
from torchclinic.graph import ForwardRecorder, registered_layers
from torchclinic.init import SCHEMES, gain, initialize


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def recorded(model, inputs):
    with ForwardRecorder(model) as recorder:
        model(inputs)
    return recorder.result()


@pytest.mark.parametrize("scheme", ["auto", *SCHEMES])
@pytest.mark.parametrize("name", HEALTHY)
def test_every_model_by_every_scheme(name, scheme):
    make, inputs = HEALTHY[name]
    model = make()
    forward_map = recorded(model, inputs())
    state = torch.get_rng_state()
    report = initialize(model, scheme, forward_map=forward_map, generator=generator())
    assert torch.equal(state, torch.get_rng_state())
    first = {key: value.clone() for key, value in model.state_dict().items()}
    initialize(model, scheme, forward_map=forward_map, generator=generator())
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in first.items())
    assert all(torch.isfinite(value).all() for value in first.values())
    named = [row.parameter for row in (*report.filled, *report.left)]
    if name != "weight norm":  # there the weight is reported, not what it is computed from
        assert sorted(named) == sorted(dict(model.named_parameters()))
    assert str(report).count("\n") == len(named)


def test_activations_come_from_a_sequence_by_itself():
    model = nn.Sequential(
        nn.Linear(400, 300), nn.BatchNorm1d(300), nn.ReLU(), nn.Linear(300, 300), nn.Tanh()
    )
    model.extend([nn.Linear(300, 10), nn.Softmax(1)])
    report = initialize(model, generator=generator())
    methods = {row.parameter: row.method for row in report.filled}
    assert methods["0.weight"] == "He normal, gain 1.41"
    assert methods["3.weight"] == "Xavier uniform, gain 1.67"
    assert methods["5.weight"] == "Xavier uniform"
    assert model[0].weight.std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert model[3].weight.std().item() == pytest.approx(5 / 3 * (2 / 600) ** 0.5, rel=0.02)
    assert not any(model[i].bias.any() for i in (0, 3, 5))


@pytest.mark.parametrize(
    ("activation", "depth"),
    # GELU and SiLU are not scale-free: chance away from moment 1 grows with depth
    [("relu", 30), ("tanh", 30), ("selu", 30), ("elu", 30), ("gelu", 10), ("silu", 10)],
)
def test_auto_keeps_the_second_moment_over_many_layers(activation, depth):
    layers = [[nn.Linear(200, 200), ACTIVATIONS[activation].modules[0]()] for _ in range(depth)]
    model = nn.Sequential(*(module for pair in layers for module in pair), nn.Linear(200, 200))
    initialize(model, generator=generator())
    x = torch.randn(256, 200, generator=generator(1))
    after = model(x).detach().std().item()
    assert 0.05 < after < 5


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (nn.Conv2d(16, 64, 3, groups=4), 4 * 9),
        (nn.Conv1d(32, 64, 5), 160),
        (nn.ConvTranspose2d(64, 32, 4, stride=2), 64 * 4),
    ],
)
def test_convolutions_count_groups_and_strides(layer, fan_in):
    model = nn.Sequential(layer, nn.ReLU(), nn.Linear(1, 1))
    initialize(model, generator=generator())
    assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.06)
    assert not layer.bias.any()


def test_bare_parameters_by_their_use():
    model = Bare()
    model.w1, model.w2 = nn.Parameter(torch.ones(4, 500)), nn.Parameter(torch.ones(300, 500))
    model.b1, model.w3 = nn.Parameter(torch.ones(500)), nn.Parameter(torch.ones(300, 2))
    initialize(model, "he", forward_map=recorded(model, vectors()), generator=generator())
    assert model.w1.std().item() == pytest.approx((2 / 4) ** 0.5, rel=0.06)
    assert model.w2.std().item() == pytest.approx(5 / 3 / 500**0.5, rel=0.02)
    assert model.w3.std().item() == pytest.approx(300**-0.5, rel=0.1)
    assert not model.b1.any()


def test_bare_parameters_by_their_name():
    model = Bare()
    model.w1 = nn.Parameter(torch.ones(4, 500))
    report = initialize(model, "he", activations={"w1": "relu"}, generator=generator())
    assert model.w1.std().item() == pytest.approx((2 / 4) ** 0.5, rel=0.06)
    assert {row.parameter for row in report.left} == {"b1", "w2", "w3"}


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_recurrent_layers(kind, gates):
    layer = kind(20, 30, num_layers=2, bidirectional=True)
    initialize(nn.ModuleList([layer]), generator=generator())
    for gate in layer.weight_hh_l1_reverse.chunk(gates):
        assert torch.allclose(gate @ gate.T, torch.eye(30), atol=1e-4)
    for gate in layer.bias_ih_l0.chunk(gates):
        assert gate.unique().numel() == 1
    kept = [chunk[0].item() for chunk in layer.bias_ih_l0.chunk(gates)]
    assert kept == [1.0 if gates > 1 and i == 1 else 0.0 for i in range(gates)]
    assert not layer.bias_hh_l0.any()
    expected = gain("tanh" if gates == 1 else None) * (2 / 50) ** 0.5
    assert layer.weight_ih_l0.std().item() == pytest.approx(expected, rel=0.1)


def test_the_forget_gate_is_the_second():
    cell = nn.LSTMCell(1, 1)
    initialize(nn.ModuleList([cell]), generator=generator())
    with torch.no_grad():
        cell.weight_ih.zero_(), cell.weight_hh.zero_()
        _, state = cell(torch.zeros(1, 1), (torch.zeros(1, 1), torch.ones(1, 1)))
    assert state.item() == pytest.approx(torch.sigmoid(torch.tensor(1.0)).item())


def test_attention_projections_are_layers_of_their_own():
    layer = nn.MultiheadAttention(64, 4)
    initialize(nn.ModuleList([layer]), generator=generator())
    for part in layer.in_proj_weight.chunk(3):
        assert part.std().item() == pytest.approx((2 / 128) ** 0.5, rel=0.05)
    initialize(nn.ModuleList([layer]), "orthogonal", generator=generator())
    for part in layer.in_proj_weight.chunk(3):
        assert torch.allclose(part @ part.T, torch.eye(64), atol=1e-4)
    own = nn.MultiheadAttention(8, 2, kdim=4, vdim=6, add_bias_kv=True)
    report = initialize(nn.ModuleList([own]), generator=generator())
    assert report.left == ()


def test_norms_and_embeddings():
    model = nn.Sequential(nn.Embedding(500, 64, padding_idx=3), nn.LayerNorm(64), nn.GRU(64, 4))
    batch_norm = nn.BatchNorm1d(4)
    batch_norm(torch.randn(8, 4) + 3)
    model.append(batch_norm)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(9.0)
    initialize(model, generator=generator())
    assert (model[1].weight == 1).all()
    assert not model[1].bias.any()
    assert not batch_norm.running_mean.any()
    assert not model[0].weight[3].any()
    assert model[0].weight.std().item() == pytest.approx(1.0, rel=0.02)


def test_an_embedding_tied_to_the_output_is_small():
    model = nn.Sequential(nn.Embedding(500, 64), nn.Linear(64, 500, bias=False))
    model[1].weight = model[0].weight
    report = initialize(model, generator=generator())
    assert model[0].weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert len(report.filled) == 1


def test_frozen_and_unknown_parameters_are_left_and_reported():
    model = nn.Sequential(nn.Linear(4, 4), nn.PReLU(), nn.Linear(4, 1))
    model[0].weight.requires_grad_(False)
    before = model[0].weight.clone()
    report = initialize(model, generator=generator())
    assert torch.equal(model[0].weight, before)
    reasons = {row.parameter: row.method for row in report.left}
    assert reasons == {"0.weight": "left: frozen", "1.weight": "left: no rule for this parameter"}


def test_weight_norm_is_set_through_its_parametrisation():
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(300, 200)), nn.ReLU())
    model.append(nn.Linear(200, 1))
    report = initialize(model, generator=generator())
    assert model[0].weight.std().item() == pytest.approx((2 / 300) ** 0.5, rel=0.02)
    assert report.filled[0].parameter == "0.weight"
    spectral = nn.ModuleList([parametrizations.spectral_norm(nn.Linear(8, 8))])
    assert initialize(spectral, generator=generator()).filled


def test_without_a_generator_torchs_own_decides():
    found = []
    for _ in range(2):
        torch.manual_seed(5)
        model = nn.Linear(4, 4)
        initialize(model)
        found.append(model.weight.clone())
    assert torch.equal(*found)


def test_an_unknown_scheme_is_told_which_are_known():
    with pytest.raises(UsageError, match=r"'kaiming'.*he-uniform"):
        initialize(nn.Linear(1, 1), "kaiming")


def test_lazy_layers_are_left():
    report = initialize(nn.Sequential(nn.LazyLinear(3)), generator=generator())
    assert {row.method for row in report.left} == {"left: not materialised yet"}


def test_registered_layers_agree_with_a_forward_pass_on_plain_models():
    model = residual_net()
    recorded_names = {layer.name for layer in recorded(model, images()).layers}
    assert {layer.name for layer in registered_layers(model)} == recorded_names
