"""Fans against torch's own count, and against counting by autograd."""

import pytest
import torch
from torch import nn

from torchclinic.graph import fans


@pytest.mark.parametrize(
    "layer", [nn.Linear(5, 7), nn.Conv1d(4, 6, 3), nn.Conv2d(3, 8, (3, 5)), nn.Conv3d(2, 3, 2)]
)
def test_as_torch_counts_without_groups(layer):
    assert fans(layer) == nn.init._calculate_fan_in_and_fan_out(layer.weight)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(4, 8, 3, groups=2), (4, 9, 9)),
        (nn.Conv1d(6, 6, 3, groups=6), (6, 9)),
        (nn.ConvTranspose2d(4, 6, 4, stride=2), (4, 6, 6)),
        (nn.ConvTranspose1d(4, 8, 3, groups=2), (4, 9)),
    ],
)
def test_fan_in_is_the_number_of_inputs_that_reach_one_inner_output(layer, shape):
    nn.init.ones_(layer.weight)
    x = torch.zeros(1, *shape, requires_grad=True)
    out = layer(x)
    middle = (0, 0, *(size // 2 for size in out.shape[2:]))
    out[middle].backward()
    assert fans(layer)[0] == int((x.grad != 0).sum())


@pytest.mark.parametrize("layer", [nn.Conv2d(4, 8, 3, groups=2), nn.ConvTranspose1d(4, 8, 3)])
def test_fan_out_is_the_number_of_outputs_that_one_inner_input_reaches(layer):
    nn.init.ones_(layer.weight)
    x = torch.zeros(1, 4, *(9,) * (layer.weight.dim() - 2))
    base = layer(x)
    x[(0, 0, *(4,) * (layer.weight.dim() - 2))] = 1.0
    assert fans(layer)[1] == int((layer(x) != base).sum())


def test_other_layers():
    assert fans(nn.LSTM(3, 5)) == (3, 5)
    assert fans(nn.Embedding(9, 4)) == (1, 4)
    assert fans(nn.MultiheadAttention(8, 2)) == (8, 8)
    assert fans(nn.Bilinear(2, 3, 4)) == (6, 4)
    assert fans(nn.LayerNorm(4)) is None
