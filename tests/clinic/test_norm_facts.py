"""Facts about normalisation layers, against layers whose arithmetic is known."""

import pytest
import torch
from torch import nn

from torchclinic.clinic.preflight.wiring.norms import norm_facts


def only(layer, inputs, batch_size=None, model=None):
    net = nn.Sequential(layer) if model is None else model
    (found,) = norm_facts(net, inputs, batch_size)
    return found


@pytest.mark.parametrize(
    ("layer", "shape", "batch", "values"),
    [
        (nn.BatchNorm1d(5), (8, 5), 2, 2),
        (nn.BatchNorm1d(5), (8, 5), None, 8),
        (nn.BatchNorm2d(4), (8, 4, 3, 3), 16, 144),
        (nn.LayerNorm(1), (8, 1), 32, 1),
        (nn.LayerNorm(7), (8, 7), 32, 7),
        (nn.LayerNorm((2, 3)), (8, 2, 3), 32, 6),
        (nn.GroupNorm(4, 4), (8, 4), 32, 1),
        (nn.GroupNorm(2, 4), (8, 4, 5, 5), 32, 50),
    ],
)
def test_numbers_behind_each_mean(layer, shape, batch, values):
    assert only(layer, torch.randn(shape), batch).values == values


@pytest.mark.parametrize("momentum", [0.0, 0.1, 1.0])
def test_momentum_and_running_statistics(momentum):
    layer = nn.BatchNorm1d(3, momentum=momentum)
    found = only(layer, torch.randn(8, 3))
    assert (found.momentum, found.untouched, found.asleep) == (momentum, True, False)
    layer.running_mean += 1
    assert not only(layer, torch.randn(8, 3)).untouched


def test_a_layer_that_keeps_itself_in_evaluation_mode_sleeps():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(3)

        def train(self, mode=True):
            super().train(mode)
            self.norm.eval()
            return self

        def forward(self, x):
            return self.norm(x)

    model = Net()
    assert only(None, torch.randn(8, 3), model=model).asleep
    assert int(model.norm.num_batches_tracked) == 0


def test_models_without_norms_have_none_and_others_are_left_as_they_were():
    assert norm_facts(nn.Linear(3, 1), torch.randn(8, 3), 8) == ()
    layer = nn.BatchNorm1d(3)
    only(layer, torch.randn(8, 3))
    assert int(layer.num_batches_tracked) == 0
    assert not layer._forward_pre_hooks
