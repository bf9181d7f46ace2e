"""Parameter groups by hand-counted examples and as partitions of the parameters."""

import pickle
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim import LBFGS, SGD, AdamW

from graph.models import HEALTHY
from torchclinic.core import ModelError, Recipe, UsageError
from torchclinic.optim import (
    LayerWise,
    NoDecay,
    Rates,
    discriminative_groups,
    freeze,
    grouped,
    layer_wise_lr,
    make,
    no_decay_groups,
    unfreeze,
)
from torchclinic.optim.groups import layer_depths, matching, parameter_groups
from torchclinic.training import train


def net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 8),
        nn.LayerNorm(8), nn.Linear(8, 2),
    )  # fmt: skip


def names(groups, **wanted):
    return [
        name
        for group in groups
        for name in group["names"]
        if all(group[key] == value for key, value in wanted.items())
    ]


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize(
    "rules",
    [(NoDecay(),), (LayerWise(0.5),), (NoDecay(), LayerWise(0.9)), (Rates((("*", 0.3),)),)],
    ids=["no decay", "layer-wise", "both", "rates"],
)
def test_groups_hold_each_trainable_parameter_once(name, rules):
    model = HEALTHY[name][0]()
    groups = parameter_groups(model, rules, lr=0.1, weight_decay=0.01)
    ids = [id(p) for group in groups for p in group["params"]]
    assert sorted(ids) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    keys = [(group["lr"], group["weight_decay"]) for group in groups]
    assert len(set(keys)) == len(keys)
    assert AdamW([{k: v for k, v in group.items() if k != "names"} for group in groups], lr=9.0)


def test_norms_and_biases_are_exempt_from_decay():
    groups = no_decay_groups(net(), 0.02)
    assert names(groups, weight_decay=0.02) == ["0.weight", "4.weight", "6.weight"]
    assert len(names(groups, weight_decay=0.0)) == 3 + 2 + 2
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 2))
    assert names(no_decay_groups(model, 0.1, more=("0",)), weight_decay=0.1) == ["1.weight"]


def test_a_norm_of_two_dimensions_is_still_a_norm():
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm((3, 4)))
    assert names(no_decay_groups(model, 0.1), weight_decay=0.1) == ["0.weight"]


def test_exempt_parameters_are_not_moved_by_decay():
    model = net()
    optimizer = SGD(no_decay_groups(model, 0.5), lr=1.0)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in model.named_parameters():
        factor = 0.5 if name in ("0.weight", "4.weight", "6.weight") else 1.0
        assert torch.allclose(parameter, before[name] * factor)


@given(st.floats(0.1, 1.0), st.integers(2, 8))
def test_rates_fall_geometrically_towards_the_input(factor, layers):
    model = nn.Sequential(*(nn.Linear(2, 2) for _ in range(layers)))
    groups = layer_wise_lr(model, 0.3, factor)
    for group in groups:
        for name in group["names"]:
            depth = int(name.split(".")[0])
            assert group["lr"] == pytest.approx(0.3 * factor ** (layers - 1 - depth))


def test_a_norm_goes_with_the_layer_before_it():
    assert set(layer_depths(net()).values()) == {0, 1, 2}
    depths = layer_depths(net())
    assert depths["1.weight"] == depths["0.weight"] == 0
    assert depths["5.bias"] == depths["4.bias"] == 1
    bare = nn.Module()
    bare.w = nn.Parameter(torch.zeros(2, 2))
    assert layer_depths(bare) == {"w": 0}


def test_rates_of_their_own_and_the_last_glob_counts():
    groups = discriminative_groups(net(), {"6": 0.1, "*.bias": 0.2}, default=0.01)
    assert names(groups, lr=0.1) == ["6.weight"]
    assert names(groups, lr=0.2) == ["0.bias", "1.bias", "4.bias", "5.bias", "6.bias"]
    assert names(groups, lr=0.01) == ["0.weight", "1.weight", "4.weight", "5.weight"]


def test_freezing_and_unfreezing_say_what_they_changed():
    model = net()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    assert freeze(model, "0", "*.bias") == (
        "0.weight", "0.bias", "1.bias", "4.bias", "5.bias", "6.bias",
    )  # fmt: skip
    assert model[0].weight.grad is None
    assert freeze(model, "0") == ()
    assert unfreeze(model, "0.*") == ("0.weight", "0.bias")
    assert unfreeze(model) == ("1.bias", "4.bias", "5.bias", "6.bias")
    assert len(freeze(model)) == 10
    with pytest.raises(ModelError, match="no trainable parameter"):
        no_decay_groups(model, 0.1)


def test_frozen_parameters_are_in_no_group_and_stay():
    model = net()
    freeze(model, "0", "1")
    groups = layer_wise_lr(model, 0.1)
    assert all(not name.startswith(("0.", "1.")) for name in names(groups))
    before = model[0].weight.clone()
    optimizer = SGD(groups, lr=0.1, weight_decay=0.1)
    model(torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))).sum().backward()
    optimizer.step()
    assert torch.equal(model[0].weight, before)


def test_a_module_name_stands_for_what_is_in_it_but_not_for_a_prefix():
    model = nn.ModuleDict({"enc": nn.Linear(1, 1), "encoder": nn.Linear(1, 1)})
    assert list(matching(model, ["enc"])) == ["enc.weight", "enc.bias"]
    assert list(matching(model, ["enc*"])) == [name for name, _ in model.named_parameters()]


def test_grouped_factories_train_in_a_recipe_and_can_be_pickled():
    factory = grouped(make("adamw", lr=0.01, weight_decay=0.1), NoDecay(), LayerWise(0.5))
    assert pickle.loads(pickle.dumps(factory)) == factory
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
    made = Recipe(
        model=partial(nn.Linear, 3, 1),
        loss=nn.MSELoss(),
        data=(x, x.sum(1, keepdim=True)),
        optimizer=factory,
        steps=5,
    )
    assert len(train(made).history.losses) == 5
    optimizer = factory(net())
    assert {group["lr"] for group in optimizer.param_groups} == {0.01, 0.005, 0.0025}
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0, 0.1}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: freeze(net(), "encoder"), "no parameter of Sequential matches 'encoder'"),
        (lambda: discriminative_groups(net(), {"6": -1.0}, default=0.1), "'6' is -1.0"),
        (lambda: discriminative_groups(net(), {"7": 1.0}, default=0.1), "matches '7'"),
        (lambda: layer_wise_lr(net(), 0.1, 0.0), "factor is 0.0"),
        (lambda: layer_wise_lr(net(), 0.1, 1.5), "factor is 1.5"),
        (lambda: no_decay_groups(net(), 0.1, more=("9",)), "matches '9'"),
        (lambda: grouped(make("sgd", lr=0.1)), "at least one rule"),
        (lambda: grouped(lambda model: None, NoDecay()), "cannot be grouped"),
        (lambda: grouped(LBFGS, NoDecay())(net()), "no 'weight_decay'"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()
