"""gather: everything at once, deterministic, without a trace, and by parts where a part fails."""

import random
import time

import numpy as np
import pytest
import torch
from torch import nn

from clinic.preflight_recipes import HARD, classes, mlp, recipe
from torchclinic.clinic.preflight import gather
from torchclinic.core import DataError, ModelError


@pytest.mark.parametrize("name", HARD)
def test_every_hard_recipe_is_gathered_without_a_note(name):
    case, notes = gather(HARD[name](), 0)
    assert notes == ()
    assert case.recipe is not None
    assert case.batch is not None
    assert case.one_batch is not None
    assert case.history is case.trace is case.lr_range is None


def plain(case):
    return repr(case)


@pytest.mark.parametrize("name", ["loss module", "batch norm", "tokens", "functional dropout"])
def test_the_seed_decides_and_nothing_else_does(name):
    first = gather(HARD[name](), 1)
    torch.rand(3), random.random(), np.random.rand()
    assert plain(gather(HARD[name](), 1)) == plain(first)
    assert plain(gather(HARD[name](), 2)) != plain(first)


def test_global_generators_and_the_given_module_are_left_alone():
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    gather(recipe(model=model.eval()), 0)
    assert torch.equal(states[0], torch.get_rng_state())
    assert (states[1] == np.random.get_state()[1]).all()
    assert states[2] == random.getstate()
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in before.items())
    assert all(p.grad is None for p in model.parameters())
    assert not model.training
    assert all(not m._forward_hooks for m in model.modules())


def test_labels_out_of_range_leave_notes_and_facts():
    x, y = classes()
    case, notes = gather(recipe((x, y + 1)), 0)
    assert len(notes) == 2
    assert "label 3 is out of range" in notes[1]
    assert case.one_batch is None
    assert case.batch.outputs.shape == (512, 3)


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        raise ZeroDivisionError(self.fc(x).shape)


def test_a_forward_that_raises_leaves_notes_and_facts():
    case, notes = gather(recipe(model=Broken), 0)
    assert any("ZeroDivisionError" in note for note in notes)
    assert case.recipe.train_rows == 640
    assert case.batch.inputs.rows == 512


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"model": lambda: "net"}, ModelError),
        ({"data": [torch.zeros(0, 6), torch.zeros(0)]}, DataError),
        ({"data": []}, DataError),
    ],
)
def test_what_cannot_begin_is_a_typed_error(wrong, error):
    with pytest.raises(error):
        gather(recipe(**wrong), 0)


def test_a_small_healthy_training_takes_about_a_second():
    gather(recipe(model=mlp), 0)
    start = time.thread_time()
    gather(recipe(model=mlp), 0)
    assert time.thread_time() - start < 1.0


@pytest.mark.parametrize("in_place", [True, False])
def test_a_compiled_model_is_looked_at_as_it_was_written(in_place):
    def compiled():
        model = nn.Sequential(mlp(6), nn.Tanh(), nn.Linear(6, 3))
        if in_place:
            model.compile(backend="eager")
            return model
        model[0] = torch.compile(model[0], backend="eager")
        return torch.compile(model, backend="eager")

    case, notes = gather(recipe(model=compiled), 0)
    assert notes == ()
    assert [layer.name for layer in case.recipe.model.layers] == ["0.0", "0.2", "2"]
    assert case.recipe.optimizer.missing == ()
