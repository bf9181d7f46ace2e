"""Sixteen rows by heart: healthy models pass, broken ones fail, the rest is left open."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import LBFGS, SGD, Adam

from clinic.preflight_recipes import HARD, classes, mlp, recipe, values
from torchclinic.clinic.preflight import one_batch_facts
from torchclinic.clinic.preflight.loss.errors_counted import countable_error
from torchclinic.core import DataError, ModelError, Penalty


@pytest.mark.parametrize("name", HARD)
def test_every_hard_but_healthy_recipe_passes(name):
    found = one_batch_facts(HARD[name](), 0)
    assert found is not None
    assert found.passed
    assert found.best_error < 0.05
    assert found.rows == 16


def test_a_rate_that_is_hopeless_does_not_blame_the_model():
    found = one_batch_facts(recipe(optimizer=partial(SGD, lr=1e-9)), 0)
    assert found.passed
    assert found.best_losses[0][0] == "as configured"
    assert len(found.best_losses) > 1


@pytest.mark.parametrize(
    "penalised",
    [
        {"penalties": (Penalty("l2", 100.0),)},
        {"optimizer": partial(Adam, lr=1e-2, weight_decay=100.0)},
        {"optimizer": partial(LBFGS, lr=0.5)},
        {"clip_norm": 1.0},
        {"autocast": "bfloat16"},
    ],
)
def test_regularisation_is_off_and_odd_optimizers_work(penalised):
    found = one_batch_facts(recipe(**penalised), 0)
    assert found.passed
    assert len(found.best_losses) == 1


class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(6, 32), nn.Linear(1, 3)

    def forward(self, x):
        return self.head(F.relu(self.body(x)).mean(1, keepdim=True).detach() * 0)


def far_values():
    x, y = values()
    return x, 5 * y + 20


@pytest.mark.parametrize(
    ("model", "data", "loss"),
    [
        (Detached, classes(), nn.CrossEntropyLoss()),
        (lambda: mlp(1, nn.Sigmoid()), far_values(), nn.MSELoss()),
    ],
)
def test_models_that_cannot_learn_fail_every_try(model, data, loss):
    found = one_batch_facts(recipe(data, model, loss), 0, max_seconds=10)
    assert not found.passed
    assert found.best_error >= 0.05
    assert len(found.best_losses) == 4
    assert found.steps == 400


def test_without_time_nothing_is_said():
    assert one_batch_facts(recipe(model=Detached), 0, max_seconds=0.0) is None


def test_without_a_countable_error_nothing_is_said():
    loss = lambda output, target: (output - target).pow(4).mean()  # noqa: E731
    assert one_batch_facts(recipe(values(), partial(mlp, 1), loss), 0, max_seconds=0.2) is None


def test_nan_from_the_start_is_no_fair_chance():
    loss = lambda output, target: F.mse_loss(output.log(), target)  # noqa: E731
    assert one_batch_facts(recipe(values(), partial(mlp, 1), loss), 0) is None


def test_the_seed_decides():
    first, again = (one_batch_facts(recipe(), 3) for _ in range(2))
    assert first == again
    assert first != one_batch_facts(recipe(), 4)


def test_global_generators_are_left_alone():
    state = torch.get_rng_state()
    one_batch_facts(recipe(), 0)
    assert torch.equal(state, torch.get_rng_state())


def test_errors_are_those_of_the_training():
    x, y = classes()
    with pytest.raises(DataError, match="label 3 is out of range"):
        one_batch_facts(recipe((x, y + 1)), 0)
    with pytest.raises(ModelError, match="layer '0'"):
        one_batch_facts(recipe(model=partial(mlp, inputs=5)), 0)


@pytest.mark.parametrize(
    ("output", "target", "kind", "error"),
    [
        ([[2.0, 1.0], [0.0, 3.0]], [0, 0], "cross-entropy", 0.5),
        ([[2.0, 1.0], [0.0, 3.0]], [[1.0, 0.0], [0.0, 1.0]], "cross-entropy", 0.0),
        ([0.4, -0.4], [1.0, 1.0], "bce-with-logits", 0.5),
        ([0.4, 0.6], [0.0, 1.0], "bce", 0.0),
        ([1.0, 3.0], [1.0, 5.0], "mse", 0.5),
        ([1.0], [1.0], "mse", None),
        ([[1.0], [3.0]], [1.0, 5.0], "mse", None),
        ([1.0, 3.0], [1.0, 5.0], "custom", None),
    ],
)
def test_errors_by_hand(output, target, kind, error):
    assert countable_error(torch.tensor(output), torch.tensor(target), kind) == error


def test_ignored_targets_do_not_count():
    output, target = torch.tensor([[2.0, 1.0], [2.0, 1.0]]), torch.tensor([0, -100])
    assert countable_error(output, target, "cross-entropy", -100) == 0.0
    assert countable_error(output[1:], target[1:], "cross-entropy", -100) is None
