"""Weights that the model hides are found; those that somebody trains or made on the way are not."""

from functools import partial
from itertools import chain

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import Adam

from clinic.preflight_recipes import HARD, mlp, recipe, values
from torchclinic.clinic.preflight import batch_facts


class Hidden(nn.Module):
    def __init__(self, container=list):
        super().__init__()
        self.hidden = container([nn.Linear(6, 16), nn.Linear(16, 16)])
        self.out = nn.Linear(16, 3)

    def forward(self, x):
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(x)


class PlainTensor(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.scale = nn.Linear(6, 3), torch.ones(3, requires_grad=True)

    def forward(self, x):
        return self.fc(x) * self.scale


class Frozen(Hidden):
    def __init__(self):
        super().__init__()
        for layer in self.hidden:
            layer.requires_grad_(False)


LAYERS = [(16, 6), (16,), (16, 16), (16,)]


@pytest.mark.parametrize(
    ("model", "shapes"),
    [
        (Hidden, LAYERS),
        (partial(Hidden, nn.ModuleList), []),
        (PlainTensor, [(3,)]),
        (Frozen, []),
        (mlp, []),
    ],
)
def test_what_the_loss_depends_on_and_the_model_does_not_list(model, shapes):
    found = batch_facts(recipe(model=model), 0).unregistered
    assert sorted(found) == sorted(shapes)


def hold_all(model):
    return Adam(chain(model.parameters(), *(layer.parameters() for layer in model.hidden)))


def test_what_the_optimizer_holds_is_trained():
    assert batch_facts(recipe(model=Hidden, optimizer=hold_all), 0).unregistered == ()


def by_its_inputs(copy, model, batch):
    x, y = batch
    x = x.clone().requires_grad_() if copy else x.requires_grad_()
    out = model(x)
    (slope,) = torch.autograd.grad(out.sum(), x, create_graph=True)
    return F.mse_loss(out, y) + 0.1 * slope.square().mean()


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("rows", [40, 640])
def test_inputs_that_a_step_differentiates_by_are_no_weights(copy, rows):
    tanh = lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))  # noqa: E731
    sobolev = recipe(values(rows), tanh, step=partial(by_its_inputs, copy))
    found = batch_facts(sobolev, 0)
    assert found.initial_loss > 0
    assert found.unregistered == ()


@pytest.mark.parametrize("name", HARD)
def test_sound_models_hide_nothing(name):
    assert batch_facts(HARD[name](), 0).unregistered == ()
