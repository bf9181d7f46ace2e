"""Missing non-linearities are found; what people build on purpose is not."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from graph.models import HEALTHY, images, sequences, vectors
from torchclinic.graph import ForwardRecorder


def pairs(model, *inputs):
    with ForwardRecorder(model) as recorder:
        model(*inputs)
    return recorder.result().linear_pairs


class Net(nn.Module):
    """Two layers with something between them."""

    def __init__(self, between, first=None, second=None):
        super().__init__()
        self.a, self.b = first or nn.Linear(4, 8), second or nn.Linear(8, 2)
        self.between = between

    def forward(self, x):
        return self.b(self.between(self.a(x)))


@pytest.mark.parametrize(
    "between",
    [
        nn.Identity(),
        nn.Dropout(0.5),
        nn.BatchNorm1d(8),
        lambda x: F.dropout(x.view(-1, 2, 4), 0.2).flatten(1),
        lambda x: 3 * x - 1,
        lambda x: x - x.mean(1, keepdim=True),
        lambda x: x[:, torch.arange(7, -1, -1)],
        lambda x: x @ torch.eye(8),
        lambda x: x.clone().detach().requires_grad_(),
    ],
)
def test_affine_operations_between_two_layers_are_a_missing_activation(between):
    assert pairs(Net(between), vectors()) == (("a", "b"),)


@pytest.mark.parametrize(
    "between",
    [
        nn.ReLU(),
        nn.LayerNorm(8),
        nn.Softmax(1),
        lambda x: x * x,
        lambda x: x / x.norm(),
        torch.exp,
        torch.abs,
        lambda x: torch.where(x > 0, x, 0.1 * x),
        lambda x: F.max_pool1d(x[:, None], 1)[:, 0],
        lambda x: x + F.relu(x),
        lambda x: F.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None])[:, 0],
    ],
)
def test_non_linear_operations_between_two_layers_are_none(between):
    assert pairs(Net(between), vectors()) == ()


def test_convolutions_whose_channels_grow_are_found():
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.Conv2d(16, 32, 3))
    assert pairs(model, images()) == (("0", "2"),)


def test_convolution_pooled_into_a_linear_layer_is_found():
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 8)
    )
    assert pairs(model, images()) == (("0", "3"),)


def test_bare_parameters_are_found():
    class Bare(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.randn(4, 8))
            self.b = nn.Parameter(torch.zeros(8))
            self.v = nn.Parameter(torch.randn(8, 2))

        def forward(self, x):
            return (x @ self.w + self.b) @ self.v

    assert pairs(Bare(), vectors()) == (("w", "v"),)


def test_a_chain_gives_every_pair_of_neighbours():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    model.extend([nn.Dropout(), nn.Linear(4, 4)])
    assert pairs(model, vectors()) == (("0", "1"), ("3", "5"))


def test_a_linear_bottleneck_is_deliberate():
    model = nn.Sequential(
        nn.Conv2d(24, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 24, 1), nn.BatchNorm2d(24)
    )
    assert pairs(model, torch.randn(2, 24, 4, 4)) == ()


def test_tied_weights_are_deliberate():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.decode = nn.Linear(4, 4), nn.Linear(4, 4)
            self.decode.weight = self.encode.weight

        def forward(self, x):
            return self.decode(self.encode(x))

    assert pairs(Tied(), vectors()) == ()


def test_a_projection_shortcut_after_the_stem_is_deliberate():
    class PreActivation(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.skip = nn.Linear(4, 8), nn.Linear(8, 8)
            self.body, self.head = nn.Linear(8, 8), nn.Linear(8, 2)

        def forward(self, x):
            x = self.stem(x)
            x = self.skip(x) + self.body(F.relu(x))
            return self.head(F.relu(x))

    assert pairs(PreActivation(), vectors()) == ()


def test_a_residual_block_without_its_activation_is_found():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x):
            h = F.relu(self.stem(x))
            return F.relu(h + self.b(self.a(h)))

    assert pairs(Block(), vectors()) == (("a", "b"),)


def test_attention_on_a_plain_projection_is_deliberate():
    model, inputs = HEALTHY["attention"]
    assert pairs(model(), inputs()) == ()


def test_inner_softmax_is_named_and_attention_is_not():
    def found(model, x):
        with ForwardRecorder(model) as recorder:
            model(x)
        return recorder.result()

    faulty = nn.Sequential(nn.Linear(4, 8), nn.Softmax(1), nn.Dropout(), nn.Linear(8, 2))
    assert found(faulty, vectors()).inner_softmax == ("0",)
    output = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2), nn.Softmax(1))
    assert found(output, vectors()).inner_softmax == ()
    attention, _ = HEALTHY["attention"]
    assert found(attention(), sequences()).inner_softmax == ()


class Gated(nn.Module):
    """A softmax that weighs experts."""

    def __init__(self):
        super().__init__()
        self.gate, self.a, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 1)

    def forward(self, x):
        return self.head(self.gate(x).softmax(-1) * self.a(x))


def test_a_softmax_gate_is_no_inner_softmax():
    with ForwardRecorder(model := Gated()) as recorder:
        model(vectors())
    assert recorder.result().inner_softmax == ()
    assert recorder.result().linear_pairs == ()


ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "none": nn.Identity, "dropout": nn.Dropout}


@settings(max_examples=25)
@given(st.lists(st.sampled_from(sorted(ACTIVATIONS)), min_size=1, max_size=5))
def test_any_chain_by_brute_force(kinds):
    layers = [nn.Linear(4, 4)]
    expected = []
    for kind in kinds:
        layers += [ACTIVATIONS[kind](), nn.Linear(4, 4)]
        if kind in {"none", "dropout"}:
            expected.append((str(len(layers) - 3), str(len(layers) - 1)))
    assert pairs(nn.Sequential(*layers), vectors()) == tuple(expected)


def test_the_stem_of_a_residual_stream_is_deliberate():
    class Stream(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.up, self.down = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 8)
            self.head = nn.Linear(8, 2)

        def forward(self, x):
            x = self.stem(x)
            x = x + self.down(F.relu(self.up(x)))
            return self.head(x)

    assert pairs(Stream(), vectors()) == ()
