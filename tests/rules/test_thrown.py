"""Steps that put out the first layer's gradient, as a trace alone shows them."""

import math
from dataclasses import replace

import pytest

from rules.healthy_cases import flat
from torchclinic.core import Case, History, Level, Series, Trace, TracedLayer
from torchclinic.functional.learning import learning_state
from torchclinic.rules import judge
from torchclinic.rules.thrown import thrown

AT = (1, 2, 4, 8, 16, 32, 64, 128)
ALIVE = (0.02, 0.02, 0.03, 0.05, 0.02, 0.0, 0.0, 0.0)
KICKED = (0.01, 0.02, 0.04, 0.08, 0.3, 0.02, 0.01, 1e-3)


def layer(name, order, gradient, ratio=KICKED):
    found = {"gradient_norm": Series(AT, gradient), "update_ratio": Series(AT, ratio)}
    return TracedLayer(name, "Linear", order, "relu", True, found)


def trace(gradient=ALIVE, ratio=KICKED, losses=None):
    losses = flat(2.31, 141) if losses is None else losses
    steps = tuple(range(1, len(losses) + 1))
    layers = (layer("0", 0, gradient, ratio), layer("2", 1, (0.2,) * 8, ratio))
    found = {"loss": Series(steps, losses), "learning_rate": Series(steps, (1.0,) * len(steps))}
    return Trace(layers=layers, steps=found)


def test_a_gradient_that_large_steps_end_names_the_rate():
    (found,) = judge(Case(trace=trace())).findings
    assert (found.code, found.level) == ("LRN101", Level.ERROR)
    assert found.title == "learning rate 1 is too high: large steps end the gradient at step 32"
    assert "CRV101" in {f.code for f in found.consequences}
    assert thrown(trace()).ratio == 0.3


@pytest.mark.parametrize(
    "seen",
    [
        trace(ratio=(0.01,) * 8),  # small steps: something else ends it
        trace(gradient=(0.02,) * 8),  # large steps that end nothing
        trace(gradient=(0.0,) * 8),  # dead from the start
        trace(gradient=(*ALIVE[:5], 0.0, 0.0, 0.03)),  # it comes back
        trace(gradient=(0.02,) * 7 + (0.0,)),  # at the end, when all is learnt
        trace(gradient=(math.nan,) * 8),
        Trace(layers=trace().layers[:1], steps=trace().steps),
    ],
)
def test_other_ends_are_not_the_rates(seen):
    assert thrown(seen) is None


def test_a_training_that_learns_is_left_alone():
    falls = tuple(2.3 * 0.97**k for k in range(141))
    assert list(judge(Case(trace=trace(losses=falls))).flat()) == []


def test_where_other_rates_were_tried_they_have_the_say():
    from rules.healthy_cases import lr_range

    case = Case(trace=trace(), lr_range=lr_range(configured=1.0, divergence=100.0))
    assert "LRN101" not in {f.code for f in judge(case).flat()}


def test_a_loss_that_the_first_steps_raise_began_where_it_was():
    kicked = (2.3, 50.0, 40.0, 9.0, 5.0, 3.0, *flat(2.31, 135))
    state = learning_state(Case(history=History(losses=kicked)))
    assert state.constant == 2.3
    assert state.poor
    first = replace(trace(), steps={"loss": Series(tuple(range(1, 142)), kicked)})
    assert learning_state(Case(trace=first)).poor
