"""ModelFacts against what is known of the models by construction."""

import pytest
import torch
from torch import nn

from graph.models import HEALTHY, Bare, Tokens, residual_net, vectors
from torchclinic.graph import ForwardRecorder, model_facts


def facts(model, *inputs):
    with ForwardRecorder(model) as recorder:
        model(*inputs)
    return model_facts(model, recorder.result())


@pytest.mark.parametrize("name", HEALTHY)
def test_counts_hold_for_every_model(name):
    make, inputs = HEALTHY[name]
    model = make()
    found = facts(model, inputs())
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.trainable == found.parameters
    assert sum(layer.parameters for layer in found.layers) <= found.parameters
    assert found.order_known
    assert (found.why_not_traced == "") == found.traced
    assert model_facts(model).order_known is False


def test_weights_are_described():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 2, 3], [1, 2, 3], [0, 0, 0], [5, 5, 5]]))
        model[0].bias.fill_(2.0)
    model[2].weight.requires_grad_(False)
    first, last = facts(model, torch.zeros(2, 3)).layers
    assert (first.fan_in, first.fan_out, first.weight_shape) == (3, 4, (4, 3))
    assert first.weight_mean == pytest.approx(27 / 12)
    assert first.weight_std == pytest.approx(model[0].weight.std(correction=0).item())
    assert first.duplicated_rows == 0.5
    assert (first.bias, first.bias_std, first.activation_module) == (True, 0.0, "1")
    assert (last.bias, last.bias_std, last.trainable, last.output) == (False, None, False, True)


@pytest.mark.parametrize("axis", [0, 1])
def test_units_of_a_transposed_convolution_and_of_a_bare_parameter_lie_elsewhere(axis):
    class Product(nn.Module):
        def __init__(self, weight):
            super().__init__()
            self.w = nn.Parameter(weight)

        def forward(self, x):
            return x @ self.w

    weight = torch.randn(4, 6)
    weight = weight[[0, 0, 1, 2]] if axis == 0 else weight[:, [0, 0, 0, 1, 2, 3]]
    found = facts(Product(weight), vectors())
    assert found.layers[0].duplicated_rows == (0.0 if axis == 0 else 0.5)
    transposed = nn.ConvTranspose1d(4, 6, 1)
    transposed.weight.data = weight[:, :, None]
    assert facts(transposed, torch.randn(2, 4, 5)).layers[0].duplicated_rows == (
        0.0 if axis == 0 else 0.5
    )


def test_flags_of_the_whole_model():
    net = facts(residual_net(), torch.randn(2, 3, 8, 8))
    assert (net.residual, net.norms, net.recurrent, net.embedding) == (True, 4, False, False)
    model = nn.Sequential(Tokens(), nn.Dropout(0.0))
    lstm = facts(model, torch.randint(0, 10, (2, 5)))
    assert (lstm.recurrent, lstm.embedding, lstm.dropout) == (True, True, None)
    assert facts(Bare(), vectors()).layers[0].kind == "Parameter"


def test_largest_dropout():
    model = nn.Sequential(
        nn.Dropout(0.1),
        nn.Linear(4, 4),
        nn.AlphaDropout(0.3),
        nn.TransformerEncoderLayer(4, 2, 4, dropout=0.2),
    )
    assert facts(model, vectors()).dropout == pytest.approx(0.3)
    recurrent = nn.LSTM(4, 4, 2, dropout=0.4)
    assert facts(recurrent, torch.zeros(2, 3, 4)).dropout == pytest.approx(0.4)


def test_without_a_forward_pass_a_sequence_still_tells_its_activations():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 4), nn.Tanh()))
    found = model_facts(model)
    assert [(layer.name, layer.activation) for layer in found.layers] == [
        ("0", "relu"),
        ("2.0", "tanh"),
    ]


def test_attention_is_one_layer_without_a_forward_pass_too():
    found = model_facts(nn.TransformerEncoderLayer(4, 2, 8))
    assert [layer.kind for layer in found.layers] == [
        "MultiheadAttention",
        "Linear",
        "Linear",
        "LayerNorm",
        "LayerNorm",
    ]
