"""What draws in evaluation mode, and which parameters are made in the forward pass."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from torchclinic.clinic.preflight.batch import batch_facts
from torchclinic.clinic.preflight.wiring.chance import chance_facts
from torchclinic.core import Recipe, Splits

ROWS, FEATURES = 40, 6


class Net(nn.Module):
    """Two layers, and something between them."""

    def __init__(self, between):
        super().__init__()
        self.first = nn.Linear(FEATURES, 8)
        self.last = nn.Linear(8, 3)
        self.scale = nn.Parameter(torch.ones(8))
        self.between = between

    def forward(self, x):
        return self.last(self.between(self, torch.tanh(self.first(x))))


def facts(between, **fields):
    x = torch.randn(ROWS, FEATURES, generator=torch.Generator().manual_seed(1))
    given = {"loss": nn.CrossEntropyLoss(), **fields}
    recipe = Recipe(
        model=lambda: Net(between), optimizer=lambda m: torch.optim.SGD(m.parameters(), 0.1),
        data=Splits((x, torch.arange(ROWS) % 3)), batch_size=8, epochs=1, **given,
    )  # fmt: skip
    return batch_facts(recipe)


def new_layer(net, h):
    return nn.Linear(8, 8)(h)


def new_parameter(net, h):
    return h * nn.Parameter(net.scale * 1.0)


def drawn_again(net, h):
    nn.init.normal_(net.scale)
    return h * net.scale


def drops(net, h):
    return F.dropout(h, 0.5)


def module_dropout(net, h):
    return nn.Dropout(0.5).train(net.training)(h)


def noise(net, h):
    return h + 0.1 * torch.randn_like(h)


def layer_drop(net, h):
    return h * net.scale if torch.rand(()) > 0.5 else h


def plain(net, h):
    return h * net.scale


@pytest.mark.parametrize(
    ("between", "weights", "line"),
    [
        (new_layer, True, "return nn.Linear(8, 8)(h)"),
        (drawn_again, True, "nn.init.normal_(net.scale)"),
        (drops, False, "return F.dropout(h, 0.5)"),
        (noise, False, "return h + 0.1 * torch.randn_like(h)"),
    ],
)
def test_the_line_that_draws_is_told(between, weights, line):
    found = facts(between).chance
    assert found.weights is weights
    assert found.line.startswith("test_chance.py:")
    assert found.line.endswith(line)


@pytest.mark.parametrize("between", [plain, new_parameter, module_dropout])
def test_without_chance_there_is_no_line(between):
    assert facts(between).chance is None


@pytest.mark.parametrize(
    ("between", "shapes"),
    [
        (new_layer, {(8, 8), (8,)}),
        (new_parameter, {(8,)}),
        (drawn_again, set()),
        (drops, set()),
        (layer_drop, set()),
        (plain, set()),
    ],
)
def test_parameters_that_a_pass_makes_are_told_by_their_shapes(between, shapes):
    assert set(facts(between).made_anew) == shapes


def test_a_step_may_make_parameters_of_its_own():
    def step(model, batch):
        x, y = batch
        push = nn.Parameter(torch.zeros_like(x))
        return F.cross_entropy(model(x + push), y)

    assert facts(plain, loss=None, step=step).made_anew == ()


def test_weights_are_left_as_they_were():
    model = Net(drawn_again)
    before = model.scale.detach().clone()
    chance_facts(model, torch.randn(ROWS, FEATURES))
    assert torch.equal(before, model.scale)
