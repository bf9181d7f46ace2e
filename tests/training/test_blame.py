"""An error of the code that watches is not laid at the model's door, and the other way round."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from torchclinic.core import LossError, ModelError
from torchclinic.graph import ForwardRecorder
from torchclinic.training.forward import forward
from torchclinic.training.objective import Objective
from training.parts import recipe, rows

X, Y = rows()


def failing_recorder(model):
    """A recorder whose own code raises in the middle of the model's forward pass."""

    def on_output(name, output):
        raise IndexError(f"no reading of {name} with {tuple(output.shape)}")

    return ForwardRecorder(model, on_output)


def own_step(model, batch):
    return F.cross_entropy(model(batch[0]), batch[1])


def test_our_error_in_a_forward_pass_stays_as_it_is():
    model = nn.Sequential(nn.Linear(5, 3))
    with pytest.raises(IndexError, match="no reading of 0"), failing_recorder(model):
        forward(model, X)


def test_our_error_in_a_step_stays_as_it_is():
    model = nn.Sequential(nn.Linear(5, 3))
    objective = Objective(recipe(loss=None, step=own_step), model)
    with pytest.raises(IndexError, match="no reading of 0"), failing_recorder(model):
        objective((X, Y))


def test_the_models_error_is_the_models_also_while_it_is_watched():
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(7, 3))
    with pytest.raises(ModelError, match="layer '2'"), ForwardRecorder(model):
        forward(model, X)


def test_the_losss_error_is_the_losss_also_while_it_is_watched():
    model = nn.Linear(5, 3)
    objective = Objective(recipe(loss=lambda output, target: output @ torch.zeros(9)), model)
    with pytest.raises(LossError), ForwardRecorder(model):
        objective((X, Y))
