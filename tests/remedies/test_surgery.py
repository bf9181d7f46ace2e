"""What surgery does to each kind of model, layer by layer."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from remedies.patients import (
    Bare,
    Block,
    DataDependent,
    DataDependentModules,
    FunctionalCNN,
    Gated,
    LSTMClassifier,
    OneActivation,
    ResidualCNN,
    Shared,
    TransformerClassifier,
    gaussian,
    inner_softmax,
    linear_pair,
    relu_mlp,
    sigmoid_head,
    softmax_mlp,
    with_dropout,
)
from torchclinic.core import SurgeryError, UsageError
from torchclinic.graph import ForwardRecorder
from torchclinic.nn import Residual
from torchclinic.remedies import REMEDIES, treat

VECTORS, IMAGES, SEQUENCES = gaussian(10, 12), gaussian(10, 3, 8, 8), gaussian(10, 7, 5)


def seen(model, inputs):
    with ForwardRecorder(model) as recorder:
        model(inputs)
    return recorder.result()


def activations(model, inputs):
    return [op.activation for op in seen(model, inputs).ops if op.activation]


def kinds(model, inputs):
    return [op.name for op in seen(model, inputs).ops if op.name not in ("input", "part")]


@pytest.mark.parametrize("n_layers", [1, 3, 10, 30])
def test_a_shared_activation_is_replaced_in_every_place(n_layers):
    model = treat(Shared(12, n_layers), "relu-activations", VECTORS)
    assert activations(model, VECTORS) == ["relu"] * n_layers
    assert type(model) is Shared
    assert type(model.layers) is nn.Sequential


def test_the_weights_stay_where_they_are():
    model = Shared()
    before = copy.deepcopy(model.state_dict())
    after = treat(model, "relu-activations", VECTORS).state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(after[key], before[key]) for key in before)


def test_functions_are_replaced_in_the_traced_forward():
    plain = FunctionalCNN()
    x = F.max_pool2d(torch.relu(plain.conv1(IMAGES)), 2)
    x = F.max_pool2d(torch.relu(plain.conv2(x)), 2)
    expected = plain.fc2(torch.relu(plain.fc1(x.flatten(1))))
    changed = treat(plain, "relu-activations", IMAGES)
    torch.testing.assert_close(changed(IMAGES), expected)
    assert set(changed.state_dict()) == set(FunctionalCNN().state_dict())


def test_bare_parameters_and_all_three_outputs_survive():
    plain = Bare()
    h = VECTORS @ plain.w1 + plain.b1
    expected = (torch.relu(h) @ plain.w2 + plain.b2, torch.relu(h), h)
    for ours, theirs in zip(
        treat(plain, "relu-activations", VECTORS)(VECTORS), expected, strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_gates_attention_and_output_keep_their_activations():
    before = activations(Gated(), VECTORS)
    assert before == ["sigmoid", "softmax", "tanh", "sigmoid"]
    changed = treat(Gated(), "relu-activations", VECTORS)
    assert activations(changed, VECTORS) == ["sigmoid", "softmax", "relu", "sigmoid"]


def test_one_module_between_layers_and_on_the_output_is_told_apart():
    changed = treat(OneActivation(), "relu-activations", VECTORS)
    assert activations(changed, VECTORS) == ["relu", "relu", "sigmoid"]


def test_the_inside_of_an_lstm_is_left_alone():
    changed = treat(LSTMClassifier(), "relu-activations", SEQUENCES)
    assert activations(changed, SEQUENCES) == ["relu"]
    assert isinstance(changed.lstm, nn.LSTM)


class OwnCell(nn.Module):
    """A recurrent net written by hand: tanh of its own output, and a gate."""

    def __init__(self):
        super().__init__()
        self.W, self.U, self.Z = nn.Linear(5, 6), nn.Linear(6, 6), nn.Linear(5, 6)
        self.mid, self.head = nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x):
        h = torch.zeros(6)
        for t in range(7):
            z = torch.sigmoid(self.Z(x[:, t]))
            h = z * h + (1 - z) * torch.tanh(self.W(x[:, t]) + self.U(h))
        return self.head(torch.tanh(self.mid(h)))


def test_a_recurrence_written_by_hand_keeps_its_activations():
    changed = treat(OwnCell(), "relu-activations", SEQUENCES)
    assert activations(changed, SEQUENCES) == [*["sigmoid", "tanh"] * 7, "relu"]


def test_control_flow_over_data_is_refused_for_functions_and_changed_for_modules():
    with pytest.raises(SurgeryError, match="control flow"):
        treat(DataDependent(), "relu-activations", VECTORS)
    changed = treat(DataDependentModules(), "relu-activations", VECTORS)
    assert activations(changed, VECTORS) == ["relu", "relu"]


class Half(nn.Module):
    """One activation a module, one a function, and control flow over data."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(12, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        self.act = nn.Tanh()

    def forward(self, x):
        x = torch.tanh(self.fc2(self.act(self.fc1(x))))
        return self.fc3(x) if x.sum() < 1e9 else x


def test_without_a_graph_the_modules_are_changed_and_the_functions_left():
    changed = treat(Half(), "relu-activations", VECTORS)
    assert activations(changed, VECTORS) == ["relu", "tanh"]


@pytest.mark.parametrize(
    ("remedy", "model"),
    [
        ("relu-activations", relu_mlp),
        ("leaky-activations", Shared),
        ("remove-output-activation", relu_mlp),
        ("linear-output", relu_mlp),
        ("remove-inner-softmax", softmax_mlp),
        ("insert-activation", relu_mlp),
        ("residual", partial(nn.Linear, 12, 4)),
        ("batch-norm", partial(nn.Linear, 12, 4)),
        ("layer-norm", partial(nn.Linear, 12, 4)),
        ("dropout", partial(nn.Linear, 12, 4)),
    ],
)
def test_where_there_is_nothing_to_change_it_says_so(remedy, model):
    with pytest.raises(SurgeryError):
        treat(model(), remedy, VECTORS)


def test_leaky_activations():
    changed = treat(relu_mlp(), "leaky-activations", VECTORS)
    assert [m.negative_slope for m in changed if isinstance(m, nn.LeakyReLU)] == [0.1, 0.1]
    functional = treat(ResidualCNN(), "leaky-activations", IMAGES)
    assert set(activations(functional, IMAGES)) == {"leaky_relu"}


def test_batch_norm_stands_between_hidden_layers_and_activations_only():
    model = treat(Shared(), "batch-norm", VECTORS)
    order = ["Linear", "BatchNorm1d", "sigmoid"]
    assert kinds(model, VECTORS) == ["view", *order * 3, "Linear"]
    assert [layer.bias for layer in seen(model, VECTORS).layers] == [
        *[False, True] * 3,
        True,
    ]


def test_batch_norm_fits_the_dimension():
    model = treat(FunctionalCNN(), "batch-norm", IMAGES)
    found = [name for name in kinds(model, IMAGES) if "BatchNorm" in name]
    assert found == ["BatchNorm2d", "BatchNorm2d", "BatchNorm1d"]
    conv = nn.Sequential(nn.Conv1d(7, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    assert "BatchNorm1d" in kinds(treat(conv, "batch-norm", SEQUENCES), SEQUENCES)
    volumes = gaussian(4, 2, 4, 4, 4)
    cubic = nn.Sequential(nn.Conv3d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 2))
    assert "BatchNorm3d" in kinds(treat(cubic, "batch-norm", volumes), volumes)


def test_batch_norm_is_not_put_where_a_norm_is():
    norm = nn.BatchNorm1d(8)
    model = nn.Sequential(
        nn.Linear(12, 8), norm, nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)
    )
    changed = treat(model, "batch-norm", VECTORS)
    assert kinds(changed, VECTORS).count("BatchNorm1d") == 2
    assert isinstance(changed[0], nn.Linear)
    assert isinstance(changed[3], nn.Sequential)


def test_batch_norm_is_not_put_on_sequences():
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2))
    with pytest.raises(SurgeryError, match="no layer"):
        treat(model, "batch-norm", SEQUENCES)


def test_batch_norm_after_a_bare_parameter_makes_its_bias_go():
    model = treat(Bare(), "batch-norm", VECTORS)
    assert set(dict(model.named_parameters())) == {
        "w1",
        "w2",
        "b2",
        "w1_norm.weight",
        "w1_norm.bias",
    }
    plain = Bare()
    plain.load_state_dict({**model.state_dict(), "b1": torch.randn(16)}, strict=False)
    normed = F.batch_norm(VECTORS @ plain.w1, None, None, training=True)
    expected = torch.tanh(normed) @ plain.w2 + plain.b2
    torch.testing.assert_close(model.train()(VECTORS)[0], expected, atol=1e-4, rtol=1e-4)


def test_a_residual_cnn_gets_norms_before_its_sums():
    model = treat(ResidualCNN(), "batch-norm", IMAGES)
    assert kinds(model, IMAGES).count("BatchNorm2d") == 5
    assert isinstance(model.blocks[0], Block)


def test_layer_norm_for_sequences_and_convolutions():
    changed = treat(LSTMClassifier(), "layer-norm", SEQUENCES)
    assert kinds(changed, SEQUENCES).count("LayerNorm") == 1
    plain = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2))
    assert kinds(treat(plain, "layer-norm", SEQUENCES), SEQUENCES)[1] == "LayerNorm"
    assert kinds(treat(ResidualCNN(), "layer-norm", IMAGES), IMAGES).count("GroupNorm") == 5


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.GRU(5, 8, batch_first=True), nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.rnn(x)[1][-1])


def test_the_head_of_a_recurrent_net_gets_its_input_normed():
    order = kinds(treat(Head(), "layer-norm", SEQUENCES), SEQUENCES)
    assert order.index("GRU") < order.index("LayerNorm") < order.index("Linear")


def test_a_transformers_own_blocks_are_left_alone():
    changed = treat(TransformerClassifier(), "layer-norm", SEQUENCES)
    assert isinstance(changed.embed, nn.Sequential)
    assert isinstance(changed.encoder.layers[0].linear1, nn.Linear)


def test_residual_adds_the_input_of_each_group():
    plain = Shared()
    weights = copy.deepcopy(plain)
    model = treat(plain, "residual", VECTORS)
    x = torch.sigmoid(weights.layers[0](VECTORS))
    for place in (2, 4):
        x = x + torch.sigmoid(weights.layers[place](x))
    torch.testing.assert_close(model(VECTORS), weights.layers[6](x))
    assert isinstance(model.layers[2], Residual)
    assert isinstance(model.layers[3], nn.Identity)


def test_residual_in_a_traced_forward():
    plain = FunctionalCNN()
    x = F.max_pool2d(torch.sigmoid(plain.conv1(IMAGES)), 2)
    x = F.max_pool2d(x + torch.sigmoid(plain.conv2(x)), 2)
    expected = plain.fc2(torch.tanh(plain.fc1(x.flatten(1))))
    torch.testing.assert_close(treat(plain, "residual", IMAGES)(IMAGES), expected)


def test_residual_goes_around_the_norm_too():
    model = treat(treat(Shared(), "batch-norm", VECTORS), "residual", VECTORS)
    assert [type(m).__name__ for m in model.layers[2].modules()].count("BatchNorm1d") == 1
    assert kinds(model, VECTORS).count("add") == 2


def test_residual_leaves_alone_what_has_a_shortcut():
    with pytest.raises(SurgeryError, match="without a shortcut"):
        treat(ResidualCNN(), "residual", IMAGES)


def test_an_activation_between_linear_layers():
    changed = treat(linear_pair(), "insert-activation", VECTORS)
    assert kinds(changed, VECTORS)[:3] == ["Linear", "relu", "Linear"]
    normed = nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Linear(8, 8), nn.Linear(8, 2))
    order = kinds(treat(normed, "insert-activation", VECTORS), VECTORS)
    assert order == ["Linear", "BatchNorm1d", "relu", "Linear", "relu", "Linear"]


class BarePair(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.c = nn.Parameter(torch.randn(12, 8)), nn.Parameter(torch.randn(8, 2))
        self.b = nn.Parameter(torch.randn(8))

    def forward(self, x):
        return (x @ self.a + self.b) @ self.c


def test_an_activation_between_bare_parameters():
    model = BarePair()
    expected = torch.relu(VECTORS @ model.a + model.b) @ model.c
    torch.testing.assert_close(treat(model, "insert-activation", VECTORS)(VECTORS), expected)


@pytest.mark.parametrize(
    ("model", "inputs", "places"),
    [
        (Shared, VECTORS, ["Dropout", "Dropout", "Dropout"]),
        (FunctionalCNN, IMAGES, ["Dropout2d", "Dropout", "Dropout"]),
        (Bare, VECTORS, ["Dropout"]),
        (LSTMClassifier, SEQUENCES, ["Dropout", "Dropout"]),
    ],
)
def test_dropout_stands_after_hidden_activations(model, inputs, places):
    changed = treat(model(), "dropout", inputs)
    found = [type(m).__name__ for m in changed.modules() if "Dropout" in type(m).__name__]
    assert found == places
    order = kinds(changed.train(), inputs)
    weighted = [place for place, name in enumerate(order) if name in MAPS]
    dropped = [place for place, name in enumerate(order) if "dropout" in name]
    assert weighted[0] < min(dropped)
    assert max(dropped) < weighted[-1]


MAPS = ("Linear", "Conv2d", "LSTM", "matmul")


def test_dropout_drops_in_training_only():
    changed = treat(relu_mlp(), "dropout", VECTORS)
    assert torch.equal(changed.eval()(VECTORS), changed(VECTORS))
    changed.train()
    assert not torch.equal(changed(VECTORS), changed(VECTORS))


def test_present_dropout_is_raised_moderately():
    changed = treat(with_dropout(), "dropout", VECTORS)
    assert [m.p for m in changed if isinstance(m, nn.Dropout)] == [0.25]
    strong = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 2))
    assert treat(strong, "dropout", VECTORS)[2].p == 0.5
    with pytest.raises(SurgeryError, match=r"0\.5 already"):
        treat(strong, "dropout", VECTORS)
    rnn = nn.GRU(5, 4, 2, dropout=0.1)
    wrapped = nn.Sequential(rnn)
    assert treat(wrapped, "dropout", SEQUENCES)[0].dropout == pytest.approx(0.25)


def test_no_dropout_before_a_normed_layer():
    model = nn.Sequential(
        nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)
    )
    changed = treat(model, "dropout", VECTORS)
    assert isinstance(changed[2], nn.Linear)
    assert isinstance(changed[5], nn.Sequential)


def test_output_activations_are_left_out():
    changed = treat(softmax_mlp(), "remove-output-activation", VECTORS)
    assert activations(changed, VECTORS) == ["relu"]
    assert activations(treat(sigmoid_head(), "linear-output", VECTORS), VECTORS) == ["relu"]
    plain = Gated()
    expected = torch.logit(plain(VECTORS))
    found = treat(plain, "remove-output-activation", VECTORS)(VECTORS)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


class Squeezed(nn.Module):
    """The activation is not the last operation."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(12, 8), nn.Linear(8, 1)

    def forward(self, x):
        return {"score": torch.sigmoid(self.fc2(torch.sigmoid(self.fc1(x)))).squeeze(-1)}


def test_the_output_activation_is_found_behind_a_squeeze_and_in_a_dict():
    model = Squeezed()
    expected = torch.logit(model(VECTORS)["score"])
    found = treat(model, "remove-output-activation", VECTORS)(VECTORS)["score"]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_a_softmax_between_layers_becomes_a_relu_or_nothing():
    changed = treat(inner_softmax(), "remove-inner-softmax", VECTORS)
    assert activations(changed, VECTORS) == ["relu", "relu"]
    double = nn.Sequential(
        nn.Linear(12, 8), nn.ReLU(), nn.Softmax(1), nn.Linear(8, 2), nn.Softmax(1)
    )
    assert activations(treat(double, "remove-inner-softmax", VECTORS), VECTORS) == [
        "relu",
        "softmax",
    ]
    with pytest.raises(SurgeryError):
        treat(Gated(), "remove-inner-softmax", VECTORS)


def test_the_output_layer_becomes_small():
    model = Shared()
    before = model.layers[6].weight.detach().clone()
    treat(model, "small-output-layer", VECTORS)
    torch.testing.assert_close(model.layers[6].weight.detach(), before * 0.01)
    assert not model.layers[6].bias.any()
    bare = treat(Bare(), "small-output-layer", VECTORS)
    assert bare.w2.abs().max() < 0.06
    assert not bare.b2.any()
    assert bare.b1.any()


@pytest.mark.parametrize("remedy", ["batch-norm", "relu-activations", "dropout", "residual"])
def test_surgery_leaves_modes_buffers_and_random_numbers_alone(remedy):
    model = nn.Sequential(
        nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2)
    )
    model[1].eval()
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    state = torch.get_rng_state()
    changed = treat(model, remedy, VECTORS)
    assert torch.equal(torch.get_rng_state(), state)
    assert changed.training
    assert not model[1].training
    assert all(torch.equal(dict(changed.named_buffers())[k], v) for k, v in buffers.items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in changed.modules())


def test_surgeries_add_up_whatever_their_order():
    for remedies in (
        ("relu-activations", "batch-norm", "residual", "dropout"),
        ("batch-norm", "dropout", "relu-activations", "residual"),
    ):
        model = Shared()
        for remedy in remedies:
            model = treat(model, remedy, VECTORS)
        found = kinds(model, VECTORS)
        assert found.count("relu") == found.count("BatchNorm1d") == 3
        assert found.count("add") >= 1
        model.train()(VECTORS).sum().backward()
        assert all(p.grad is not None for p in model.parameters())


def test_surgeries_add_up_on_a_traced_model():
    model = Bare()
    for remedy in ("relu-activations", "batch-norm", "dropout", "small-output-layer"):
        model = treat(model, remedy, VECTORS)
    assert activations(model, VECTORS) == ["relu"]
    assert model.train()(VECTORS)[0].shape == (10, 4)


def test_treat_says_what_it_cannot_do():
    with pytest.raises(UsageError, match="does not change the model"):
        treat(relu_mlp(), "adamw", VECTORS)
    with pytest.raises(UsageError, match="there is no remedy"):
        treat(relu_mlp(), "aspirin", VECTORS)
    with pytest.raises(SurgeryError, match="raised RuntimeError"):
        treat(relu_mlp(), "batch-norm", IMAGES)


def test_all_surgery_is_available_to_treat():
    assert {name for name in REMEDIES if hasattr(REMEDIES[name], "edit")} >= {
        "relu-activations",
        "batch-norm",
        "lsuv-init",
        "unfreeze",
    }


@pytest.mark.parametrize("model", [Shared, Bare])
def test_new_layers_have_the_precision_of_the_model(model):
    double = VECTORS.double()
    for remedy in ("batch-norm", "layer-norm", "dropout"):
        changed = treat(model().double(), remedy, double)
        found = changed.train()(double)
        assert (found if isinstance(found, torch.Tensor) else found[0]).dtype == torch.float64
        assert all(p.dtype == torch.float64 for p in changed.parameters())
