"""The front door: every kind of layer gets what it needs, and nothing else is touched."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from graph.models import HEALTHY, Bare, images, residual_net, vectors
from torchclinic.core import DataError, ModelError, UsageError
from torchclinic.functional import ACTIVATIONS, activation_name
from torchclinic.graph import ForwardRecorder, registered_layers
from torchclinic.init import DATA_SCHEMES, SCHEMES, gain, initialize
from torchclinic.init.following import traced_activations


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


class Functional(nn.Module):
    """Activations that only the forward shows."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv1d(2, 200, 3), nn.Linear(200, 300)
        self.c, self.d = nn.Linear(300, 300), nn.Linear(300, 3)
        self.drop, self.norm = nn.Dropout(), nn.BatchNorm1d(200)

    def forward(self, x):
        x = nn.functional.max_pool1d(self.norm(self.a(x)), 4).flatten(1)
        x = self.drop(self.b(torch.relu(x)))
        x = self.c(nn.functional.gelu(x)).tanh()
        return self.d(x)


def test_activations_are_read_from_the_traced_forward():
    model = Functional()
    report = initialize(model, "he", generator=generator())
    methods = {row.parameter: row.method for row in report.filled}
    assert methods["a.weight"] == "He normal, gain 1.41"
    assert methods["b.weight"] == "He normal, gain 1.53"
    assert methods["c.weight"] == "He normal, gain 1.67"
    assert methods["d.weight"] == "He normal"


def test_a_forward_that_cannot_be_traced_falls_back_to_the_order():
    class Branching(nn.Sequential):
        def forward(self, x):
            return super().forward(x) if x.sum() > 0 else x

    model = Branching(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    report = initialize(model, "he", generator=generator())
    assert report.filled[0].method == "He normal, gain 1.41"


def test_inputs_make_the_forward_pass_and_leave_the_model():
    model = Functional()
    x = torch.randn(5, 2, 6, generator=generator())
    state, before = torch.get_rng_state(), model.norm.running_mean.clone()
    first = initialize(model, "he", inputs=x, generator=generator())
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(before, model.norm.running_mean)
    assert str(first) == str(initialize(model, "he", inputs=(x,), generator=generator()))
    assert {row.parameter: row.method for row in first.filled}["c.weight"].endswith("1.67")


def test_the_slope_of_the_activation_module_counts():
    model = nn.Sequential(nn.Linear(400, 300), nn.LeakyReLU(0.5), nn.Linear(300, 1))
    for inputs in (None, torch.zeros(2, 400)):
        initialize(model, "he", inputs=inputs, generator=generator())
        expected = (2 / (1 + 0.25)) ** 0.5 / 400**0.5
        assert model[0].weight.std().item() == pytest.approx(expected, rel=0.02)


def test_one_activation_for_all_but_the_output():
    model = nn.Sequential(nn.Linear(300, 300), nn.ReLU(), nn.Linear(300, 300), nn.Linear(300, 300))
    initialize(model, "he", activation="selu", generator=generator())
    stds = [model[i].weight.std().item() * 300**0.5 for i in (0, 2, 3)]
    assert stds == pytest.approx([0.75, 0.75, 1.0], rel=0.02)
    initialize(model, "he", activation=None, generator=generator())
    stds = [model[i].weight.std().item() * 300**0.5 for i in (0, 2, 3)]
    assert stds == pytest.approx([1.0, 1.0, 1.0], rel=0.02)


def test_options_of_the_scheme():
    model = nn.Sequential(nn.Linear(300, 300), nn.Tanh(), nn.Linear(300, 300))
    initialize(model, "normal", std=0.1, generator=generator())
    assert model[0].weight.std().item() == pytest.approx(0.1, rel=0.02)
    initialize(model, "uniform", bound=0.3, generator=generator())
    assert 0.29 < model[0].weight.abs().max().item() <= 0.3
    initialize(model, "constant", value=0.25)
    assert (model[0].weight == 0.25).all()
    initialize(model, SCHEMES["he"], generator=generator())
    assert model[2].weight.std().item() == pytest.approx(300**-0.5, rel=0.02)


def test_zero_logits_start_at_the_logarithm_of_the_classes():
    model = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 10))
    initialize(model, output_scale=0.0, generator=generator())
    x = torch.randn(50, 20, generator=generator())
    y = torch.randint(10, (50,), generator=generator())
    loss = nn.functional.cross_entropy(model(x), y).item()
    assert loss == pytest.approx(torch.tensor(10.0).log().item(), rel=1e-5)
    report = initialize(model, "he", output_scale=0.1, generator=generator())
    assert report.filled[2].method == "He normal times 0.1"
    assert report.filled[2].std == pytest.approx(0.1 / 30**0.5)


def test_equal_weights_stay_equal_and_zeros_learn_nothing_below_the_output():
    x = torch.randn(64, 6, generator=generator())
    y = x.sum(1, keepdim=True)
    for scheme, moves in (("constant", True), ("zeros", False)):
        model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))
        initialize(model, scheme)
        before = model[0].weight.detach().clone()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(10):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
        assert torch.allclose(model[0].weight, model[0].weight[:1].expand(5, 6), atol=1e-6)
        assert torch.equal(before, model[0].weight) is not moves


@pytest.mark.parametrize("scheme", DATA_SCHEMES)
def test_schemes_that_measure_need_inputs_and_take_them(scheme):
    model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 4))
    with pytest.raises(UsageError, match=rf"'{scheme}' measures on data \(give inputs="):
        initialize(model, scheme)
    x = torch.randn(200, 6, generator=generator()) * 5
    report = initialize(model, scheme, inputs=x, generator=generator())
    assert report.filled
    assert model(x).std().item() == pytest.approx(1.0, rel=0.1)
    assert DATA_SCHEMES[scheme].name == scheme


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: initialize(m, "he", std=0.1), "'he' has no option 'std' .known: none"),
        (lambda m: initialize(m, "normal", bound=0.1), "no option 'bound' .known: std"),
        (lambda m: initialize(m, "auto", std=0.1), "'auto' has no option"),
        (lambda m: initialize(m, "lsuv", inputs=torch.ones(2, 4), std=1), "known: orthonormal"),
        (lambda m: initialize(m, "normal", std=-1.0), "std is -1.0"),
        (lambda m: initialize(m, activation="relo"), "there is no activation 'relo'"),
        (lambda m: initialize(m, "lsvu"), r"'lsvu'.*lsuv, weight-norm"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_changed(call, message):
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    before = model[0].weight.clone()
    with pytest.raises(UsageError, match=message):
        call(model)
    assert torch.equal(before, model[0].weight)


def test_a_model_without_a_trainable_parameter_is_refused():
    for model in (nn.ReLU(), nn.Linear(2, 2).requires_grad_(False)):
        with pytest.raises(ModelError, match="no trainable parameter"):
            initialize(model)


@pytest.mark.parametrize("scheme", DATA_SCHEMES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_scheme_that_measures_refuses_data_that_are_not_finite(scheme, bad):
    x = torch.zeros(4, 3)
    x[1, 2] = bad
    with pytest.raises(DataError, match=f"1 of 12 inputs are not finite, the first is {bad}"):
        initialize(nn.Linear(3, 2), scheme, inputs=x)


def test_three_dimensional_convolutions_and_all_else_that_has_weights():
    model = nn.ModuleList([nn.Conv3d(8, 32, 3), nn.ConvTranspose3d(8, 8, 2), nn.Bilinear(9, 9, 50)])
    report = initialize(model, "he", activation="relu", generator=generator())
    assert not report.left
    stds = {row.parameter: row.std for row in report.filled if row.std}
    assert stds["0.weight"] == pytest.approx((2 / (8 * 27)) ** 0.5)
    assert model[0].weight.std().item() == pytest.approx(stds["0.weight"], rel=0.05)


@pytest.mark.parametrize("name", sorted(set(HEALTHY) - {"bare", "lstm"}))
def test_the_trace_and_a_forward_pass_agree_on_what_follows(name):
    """Where the trace names an activation at all, it is the one that a pass over real rows saw."""
    make, inputs = HEALTHY[name]
    model = make()
    seen = recorded(model, inputs()).activations()
    for layer, activation in traced_activations(model).items():
        found = activation if isinstance(activation, str) else activation_name(activation)
        assert found == seen[layer]


def test_the_trace_sees_what_follows_a_sum():
    methods = {row.parameter: row.method for row in initialize(residual_net()).filled}
    gains = [text for name, text in methods.items() if name.endswith("weight") and "gain" in text]
    assert len(gains) > 2


def test_gated_units_keep_the_second_moment():
    layers = [[nn.Linear(200, 400), nn.GLU()] for _ in range(4)]
    model = nn.Sequential(*(m for pair in layers for m in pair), nn.Linear(200, 200))
    initialize(model, generator=generator())
    x = torch.randn(256, 200, generator=generator(1))
    assert 0.5 < model(x).std().item() < 2
