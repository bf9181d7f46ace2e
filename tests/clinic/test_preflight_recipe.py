"""RecipeFacts against what is known of the recipes by construction."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, AdamW

from clinic.preflight_recipes import (
    HARD,
    FixedBatch,
    Named,
    binary,
    classes,
    generator,
    mlp,
    named_batches,
    own_step,
    recipe,
    series,
    values,
)
from torchclinic.clinic.preflight import recipe_facts
from torchclinic.core import DataError, ModelError, Penalty, RecipeError, Schedule, Splits


@pytest.mark.parametrize("name", HARD)
def test_every_hard_recipe_shows_its_structure(name):
    found = recipe_facts(HARD[name](), 0)
    assert found.model.order_known
    assert found.model.layers
    assert found.loss_kind != "custom"
    assert found.optimizer.missing == ()
    assert found.model.linear_pairs == ()


def weighted(output, target):
    return (F.cross_entropy(output, target, reduction="none") * 0.5).mean()


class OwnLoss(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, output, target):
        return self.inner(output, target) * 2


@pytest.mark.parametrize(
    ("loss", "data", "outputs", "kind", "task"),
    [
        (nn.CrossEntropyLoss(), classes(), 3, "cross-entropy", "classification"),
        (weighted, classes(), 3, "cross-entropy", "classification"),
        (OwnLoss(nn.NLLLoss()), classes(), 3, "nll", "classification"),
        (F.mse_loss, values(), 1, "mse", "regression"),
        (nn.SmoothL1Loss(), values(), 1, "huber", "regression"),
        (OwnLoss(nn.L1Loss()), values(), 1, "l1", "regression"),
        (nn.BCEWithLogitsLoss(), binary(), 1, "bce-with-logits", "binary"),
        (nn.MSELoss(), binary(), 1, "mse", "binary"),
        (lambda o, t: -F.cross_entropy(o, t), classes(), 3, "cross-entropy", "classification"),
        (nn.MultiMarginLoss(), classes(), 3, "hinge", "classification"),
        (lambda o, t: (o - t).pow(4).mean(), values(), 1, "custom", "unknown"),
    ],
)
def test_losses_are_recognised_however_they_are_wrapped(loss, data, outputs, kind, task):
    found = recipe_facts(recipe(data, partial(mlp, outputs), loss), 0)
    assert (found.loss_kind, found.task) == (kind, task)


def test_a_custom_step_is_named_by_the_loss_in_it():
    found = recipe_facts(recipe(step=own_step), 0)
    assert found.custom_step
    assert found.loss == "cross_entropy in a custom step"
    assert [layer.name for layer in found.model.layers if layer.output] == ["2"]


def test_the_output_is_what_enters_the_loss():
    found = recipe_facts(recipe(named_batches(), Named), 0)
    assert [layer.name for layer in found.model.layers if layer.output] == ["body.2"]


def test_an_activation_in_the_loss_counts_as_the_outputs():
    loss = lambda output, target: F.cross_entropy(output.softmax(1), target)  # noqa: E731
    assert recipe_facts(recipe(loss=loss), 0).model.output_activation == "softmax"


def test_a_model_for_one_batch_size_is_looked_at_with_that():
    found = recipe_facts(recipe(series(), FixedBatch), 0)
    assert found.model.recurrent
    assert found.model.linearity_residual > 1e-3


def test_labels_out_of_range_do_not_hide_the_structure():
    x, y = classes()
    found = recipe_facts(recipe((x, y + 1)), 0)
    assert found.model.order_known
    assert found.loss_kind == "cross-entropy"


def test_a_model_that_is_affine():
    deep = lambda: nn.Sequential(nn.Linear(6, 8), nn.Dropout(), nn.Linear(8, 3))  # noqa: E731
    found = recipe_facts(recipe(model=deep), 0).model
    assert found.linear_pairs == (("0", "2"),)
    assert found.linearity_residual < 1e-5


def over(parts):
    """An optimizer factory over some of the model's parts only."""

    def build(model):
        return SGD([p for part in parts for p in model[part].parameters()], lr=0.1)

    return build


def test_parameters_that_the_optimizer_lacks_repeats_or_does_not_know():
    found = recipe_facts(recipe(optimizer=over([2])), 0).optimizer
    assert found.missing == ("0.weight", "0.bias")
    with pytest.warns(UserWarning, match="duplicate parameters"):
        doubled = recipe_facts(recipe(optimizer=over([0, 2, 2])), 0).optimizer
    assert doubled.repeated == ("2.weight", "2.bias")
    stranger = list(nn.Linear(2, 2).parameters())
    foreign = recipe_facts(recipe(optimizer=lambda _: SGD(stranger, lr=0.1)), 0).optimizer
    assert foreign.foreign == 2
    assert len(foreign.missing) == 4


def test_frozen_parameters_are_not_missing():
    def frozen():
        model = mlp()
        model[0].requires_grad_(False)
        return model

    assert recipe_facts(recipe(model=frozen, optimizer=over([2])), 0).optimizer.missing == ()


@pytest.mark.parametrize(
    ("optimizer", "momentum", "decay"),
    [
        (partial(SGD, lr=0.1, momentum=0.9, weight_decay=0.1), 0.9, 0.1),
        (partial(Adam, lr=0.1, betas=(0.8, 0.99)), 0.8, 0.0),
        (partial(AdamW, lr=0.1), 0.9, 0.01),
    ],
)
def test_options_of_the_optimizer(optimizer, momentum, decay):
    found = recipe_facts(recipe(optimizer=optimizer), 0).optimizer
    assert (found.learning_rates, found.momentum, found.weight_decay) == ((0.1,), momentum, decay)


def test_lengths_and_names():
    data = Splits(train=classes(100), validation=classes(40))
    schedule = Schedule(lambda optimizer, total: None, name="cosine")
    found = recipe_facts(
        recipe(data, metric="accuracy", schedule=schedule, penalties=(Penalty("l2", 0.5),)), 0
    )
    assert (found.train_rows, found.validation_rows) == (100, 40)
    assert (found.steps_per_epoch, found.planned_steps) == (4, 8)
    assert (found.metric, found.higher_is_better) == ("accuracy", True)
    assert (found.schedule, found.penalties) == ("cosine", ("l2 0.5",))


def broken(x):
    raise ValueError("inside")


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return broken(self.fc(x))


def test_a_forward_that_raises_leaves_what_the_modules_say():
    found = recipe_facts(recipe(model=Broken), 0)
    assert not found.model.order_known
    assert [layer.name for layer in found.model.layers] == ["fc"]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"model": lambda: 3}, ModelError),
        ({"model": nn.Flatten}, ModelError),
        ({"optimizer": lambda _: None}, RecipeError),
        ({"data": (torch.zeros(0, 2), torch.zeros(0))}, DataError),
    ],
)
def test_what_cannot_be_built_is_a_typed_error(wrong, error):
    with pytest.raises(error):
        recipe_facts(recipe(**wrong), 0)


class BareWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Parameter(torch.randn(6, 8, generator=generator()))
        self.outer = nn.Parameter(torch.randn(8, 3, generator=generator(1)))

    def forward(self, x):
        return torch.relu(x @ self.inner) @ self.outer


def prepared_step(model, batch):
    x = batch["x"].float() / 9
    return F.cross_entropy(model(x), batch["y"])


def test_a_step_that_prepares_its_batch_does_not_hide_bare_weights():
    x = torch.randint(0, 9, (64, 6), generator=generator())
    found = recipe_facts(recipe({"x": x, "y": x[:, 0] % 3}, BareWeights, step=prepared_step), 0)
    layers = [(layer.name, layer.activation, layer.output) for layer in found.model.layers]
    assert layers == [("inner", "relu", False), ("outer", None, True)]
