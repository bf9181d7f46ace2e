"""The update formulas against torch's own, over 200 steps in float64."""

from functools import partial

import pytest
import torch
from torch import nn, optim

from engine.stacked.parts import CLASSES, assert_same, classes, net, recipe
from torchclinic.engine.stacked import why_not_stacked
from torchclinic.engine.stacked.optimizers.registry import RULES

DECAY = 1e-2
OPTIMIZERS = {
    "sgd": partial(optim.SGD, lr=0.1),
    "sgd decay": partial(optim.SGD, lr=0.1, weight_decay=DECAY),
    "momentum": partial(optim.SGD, lr=0.05, momentum=0.9),
    "dampened": partial(optim.SGD, lr=0.05, momentum=0.9, dampening=0.3),
    "nesterov": partial(optim.SGD, lr=0.05, momentum=0.9, nesterov=True, weight_decay=DECAY),
    "maximize": partial(optim.SGD, lr=1e-3, momentum=0.5, maximize=True),
    "adagrad": partial(optim.Adagrad, lr=0.05),
    "adagrad decay": partial(
        optim.Adagrad, lr=0.05, lr_decay=0.01, initial_accumulator_value=0.1, weight_decay=DECAY
    ),
    "adadelta": partial(optim.Adadelta, lr=1.0, weight_decay=DECAY),
    "rmsprop": partial(optim.RMSprop, lr=0.01),
    "rmsprop decay": partial(optim.RMSprop, lr=0.01, alpha=0.9, weight_decay=DECAY),
    "rmsprop centred": partial(optim.RMSprop, lr=0.01, centered=True, momentum=0.5),
    "adam": optim.Adam,
    "adam decay": partial(optim.Adam, lr=0.01, betas=(0.8, 0.95), eps=1e-6, weight_decay=DECAY),
    "amsgrad": partial(optim.Adam, lr=0.01, amsgrad=True),
    "adamw": partial(optim.AdamW, lr=0.01, weight_decay=0.1),
    "adamw amsgrad": partial(optim.AdamW, lr=0.01, amsgrad=True),
    "nadam": partial(optim.NAdam, lr=0.01, weight_decay=DECAY),
    "nadam decoupled": partial(
        optim.NAdam, lr=0.01, weight_decay=DECAY, decoupled_weight_decay=True
    ),
    "radam": partial(optim.RAdam, lr=0.01),
    "radam decay": partial(optim.RAdam, lr=0.01, betas=(0.9, 0.9), weight_decay=DECAY),
    "radam decoupled": partial(
        optim.RAdam, lr=0.01, weight_decay=DECAY, decoupled_weight_decay=True
    ),
}


@pytest.mark.usefixtures("computed_by")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equals_torch_over_200_steps(name):
    assert_same({"a": recipe(optimizer=OPTIMIZERS[name])})


def test_every_formula_is_tested():
    tested = {type(make(nn.Linear(1, 1).parameters())) for make in OPTIMIZERS.values()}
    assert tested == set(RULES)


@pytest.mark.usefixtures("computed_by")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": DECAY},
        {"weight_decay": DECAY, "weight_decouple": False},
        {"weight_decay": DECAY, "fixed_decay": True},
        {"ams_bound": True},
    ],
    ids=str,
)
def test_adabelief_equals_pytorch_optimizers(options):
    from pytorch_optimizer import AdaBelief

    assert_same({"a": recipe(optimizer=partial(AdaBelief, lr=0.01, **options))})


def test_adabelief_that_rectifies_is_not_stacked():
    from pytorch_optimizer import AdaBelief

    why = why_not_stacked(recipe(optimizer=partial(AdaBelief, rectify=True)))
    assert why == "the optimizer AdaBelief has rectify=True"


@pytest.mark.usefixtures("computed_by")
def test_members_of_one_stack_have_their_own_numbers():
    assert_same(
        {
            f"{rate} {beta} {decay}": recipe(
                optimizer=partial(optim.Adam, lr=rate, betas=(beta, 0.99), weight_decay=decay)
            )
            for rate, beta, decay in ((1e-3, 0.9, 0.0), (1e-2, 0.5, 1e-2), (3e-2, 0.0, 1e-1))
        }
    )


@pytest.mark.usefixtures("computed_by")
def test_some_members_have_momentum_and_others_none():
    assert_same(
        {
            str(momentum): recipe(
                optimizer=partial(optim.SGD, lr=0.05, momentum=momentum, dampening=0.2)
            )
            for momentum in (0.0, 0.5, 0.9)
        }
    )


@pytest.mark.usefixtures("computed_by")
def test_float32_agrees_at_the_usual_rates():
    data = classes(torch.float32)
    arms = {
        str(rate): recipe(
            model=net(nn.Sigmoid, dtype=torch.float32),
            data=data,
            optimizer=partial(optim.SGD, lr=rate),
        )
        for rate in (1e-3, 1e-2, 1e-1)
    }
    assert_same(arms, tolerance=1e-5)


def groups(model):
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
    return optim.SGD(
        [{"params": biases, "lr": 0.2}, {"params": weights, "weight_decay": DECAY}], lr=0.05
    )


def only_last(model):
    return optim.Adam(model[-1].parameters(), lr=0.01)


@pytest.mark.usefixtures("computed_by")
@pytest.mark.parametrize("optimizer", [groups, only_last])
def test_parameter_groups_have_their_own_options(optimizer):
    assert_same({"a": recipe(optimizer=optimizer, clip_norm=0.5)})


def test_frozen_parameters_stay():
    def frozen():
        model = net(nn.Tanh)()
        model[0].weight.requires_grad_(False)
        return model

    assert_same({"a": recipe(model=frozen, optimizer=optim.Adam)})


class Own(optim.SGD):
    pass


def hooked(parameters):
    optimizer = optim.SGD(parameters, lr=0.1)
    optimizer.register_step_pre_hook(lambda *_: None)
    return optimizer


@pytest.mark.parametrize(
    ("optimizer", "why"),
    [
        (partial(Own, lr=0.1), "the optimizer Own has no formula for many members"),
        (hooked, "the optimizer SGD has step hooks"),
        (partial(optim.LBFGS, lr=0.1), "the optimizer LBFGS has no formula for many members"),
        (
            partial(optim.Adam, differentiable=True),
            "the optimizer Adam has differentiable=True",
        ),
    ],
)
def test_optimizers_without_formula_run_alone(optimizer, why):
    assert why_not_stacked(recipe(optimizer=optimizer, data=CLASSES)) == why
