"""Behind a standardising layer of the model's own, the inputs are what that layer hands on."""

import pytest
import torch
from torch import nn

from clinic.preflight_recipes import classes, mlp, recipe
from torchclinic.clinic.preflight import batch_facts
from torchclinic.core import Splits
from torchclinic.nn import Standardise

X, Y = classes()
RAW = (1000 * X + 4000, Y)


class Wrapped(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


class Late(Wrapped):
    """Standardises something that is no input any more."""

    def forward(self, x):
        return self.inner(x + 1)


def standardised():
    return nn.Sequential(Standardise.fit(RAW[0]), mlp())


@pytest.mark.parametrize("model", [standardised, lambda: Wrapped(standardised())])
def test_inputs_behind_the_layer(model):
    data = Splits(train=RAW, validation=(RAW[0][:100] + 2000, Y[:100]))
    found = batch_facts(recipe(data, model), 0, rows=640).inputs
    assert found.mean == pytest.approx(0.0, abs=1e-3)
    assert found.channel_stds == pytest.approx((1.0,) * 6, rel=1e-3)
    assert 1 < found.shift < 3
    assert found.rows == 640


@pytest.mark.parametrize("model", [mlp, lambda: Late(standardised())])
def test_without_the_layer_in_front_they_are_as_they_come(model):
    found = batch_facts(recipe(RAW, model), 0).inputs
    assert found.mean == pytest.approx(4000, rel=0.1)


def test_nonfinite_inputs_are_still_counted():
    broken = RAW[0].clone()
    broken[::64, 0] = torch.nan
    assert batch_facts(recipe((broken, Y), standardised), 0).inputs.nonfinite == 10
