"""What remedies do to optimizers, against optimizers built by hand."""

import dataclasses
import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop

from remedies.patients import VECTORS, classes, patient, recipe, relu_mlp
from torchclinic.core import Case, Change, History, LRRange, NotApplicable, OptimizerFacts, Penalty
from torchclinic.core.trace import TOTAL_GRADIENT_NORM, Series, Trace
from torchclinic.remedies import REMEDIES
from torchclinic.training import build_model, build_optimizer, train


def case_with(optimizer, **more):
    """The facts of a healthy net, with other facts of the optimizer."""
    case = patient("relu-mlp")[1]
    facts = dataclasses.replace(case.recipe, optimizer=optimizer)
    return dataclasses.replace(case, recipe=facts, **more)


def changed(remedy, factory, facts, case=None):
    """(optimizer, model) after the change."""
    made = recipe(relu_mlp, VECTORS, optimizer=factory)
    change = REMEDIES[remedy].plan(made, case or case_with(facts))
    assert isinstance(change, Change), change
    new = change.apply(made)
    model = build_model(new, 0)
    return build_optimizer(new, model), model


def two_groups(model):
    """Head ten times as fast as the body."""
    return SGD(
        [{"params": model[:4].parameters()}, {"params": model[4].parameters(), "lr": 0.5}], 0.05
    )


FACTS = OptimizerFacts("SGD", (1e-3,))


def suggesting(rate, **more):
    return LRRange((1e-4, 1.0), (1.0, 0.5), suggestions={"valley": rate}, **more)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop, Adagrad])
def test_the_learning_rate_is_the_suggested_one(kind):
    facts = OptimizerFacts(kind.__name__, (1e-3,))
    case = case_with(facts, lr_range=suggesting(0.0234567))
    optimizer, _ = changed("learning-rate", partial(kind, lr=1e-3), facts, case)
    assert type(optimizer) is kind
    assert [group["lr"] for group in optimizer.param_groups] == [0.0235]


def test_groups_keep_the_ratio_of_their_rates():
    case = case_with(FACTS, lr_range=suggesting(0.2))
    optimizer, _ = changed("learning-rate", two_groups, FACTS, case)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.2, 2.0])
    optimizer, _ = changed("adamw", two_groups, FACTS)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1e-3, 1e-2])


@pytest.mark.parametrize(
    ("curve", "reason"),
    [
        (None, "no range test"),
        (LRRange(reason="the loss never falls"), "the loss never falls"),
        (suggesting(math.nan), "no learning rate"),
        (suggesting(1.1e-3, configured=1e-3), "close to"),
    ],
)
def test_no_rate_without_a_clear_suggestion(curve, reason):
    made, case = patient("shared")
    plan = REMEDIES["learning-rate"].plan(made, dataclasses.replace(case, lr_range=curve))
    assert isinstance(plan, NotApplicable)
    assert reason in plan.reason


def test_a_new_range_test_may_change_the_rate_again():
    made, case = patient("shared")
    learning_rate = REMEDIES["learning-rate"]
    for rate in (0.5, 0.05):
        made = learning_rate.plan(made, dataclasses.replace(case, lr_range=suggesting(rate))).apply(
            made
        )
    optimizer = build_optimizer(made, build_model(made, 0))
    assert optimizer.param_groups[0]["lr"] == 0.05
    assert len(made.changes) == 2


def test_adamw_takes_over_a_suggestion_of_its_own_family_only():
    curve = suggesting(0.3)
    optimizer, _ = changed("adamw", partial(SGD, lr=0.1), FACTS, case_with(FACTS, lr_range=curve))
    assert isinstance(optimizer, AdamW)
    assert optimizer.param_groups[0]["lr"] == 1e-3
    facts = OptimizerFacts("Adam", (0.1,), weight_decay=0.1)
    factory = partial(Adam, lr=0.1, weight_decay=0.1)
    optimizer, _ = changed("adamw", factory, facts, case_with(facts, lr_range=curve))
    assert optimizer.param_groups[0]["lr"] == 0.3


@pytest.mark.parametrize("name", ["AdamW", "NAdam", "RAdam", "Adam"])
def test_adaptive_optimizers_are_left_alone(name):
    plan = REMEDIES["adamw"].plan(patient("shared")[0], case_with(OptimizerFacts(name, (1e-3,))))
    assert isinstance(plan, NotApplicable)


def test_momentum_is_torchs_own():
    optimizer, model = changed("momentum", partial(SGD, lr=0.05, dampening=0.5), FACTS)
    twin = build_model(recipe(relu_mlp, VECTORS), 0)
    expected = SGD(twin.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    for _ in range(3):
        for net, stepper in ((model, optimizer), (twin, expected)):
            stepper.zero_grad()
            nn.functional.cross_entropy(net(VECTORS), classes(VECTORS)).backward()
            stepper.step()
    pairs = zip(model.parameters(), twin.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


@pytest.mark.parametrize(
    "facts", [OptimizerFacts("Adam", (1e-3,)), OptimizerFacts("SGD", (0.1,), momentum=0.5)]
)
def test_momentum_is_for_plain_sgd(facts):
    plan = REMEDIES["momentum"].plan(patient("shared")[0], case_with(facts))
    assert isinstance(plan, NotApplicable)


@pytest.mark.parametrize(
    ("factory", "facts", "kind", "decay"),
    [
        (partial(SGD, lr=0.1), FACTS, SGD, 5e-4),
        (
            partial(SGD, lr=0.1, weight_decay=5e-4),
            OptimizerFacts("SGD", (0.1,), 0, 5e-4),
            SGD,
            2.5e-3,
        ),
        (partial(AdamW, lr=0.1), OptimizerFacts("AdamW", (0.1,), 0.9, 0.01), AdamW, 0.05),
        (partial(Adam, lr=0.1), OptimizerFacts("Adam", (0.1,), 0.9), AdamW, 0.05),
        (partial(RMSprop, lr=0.1), OptimizerFacts("RMSprop", (0.1,)), RMSprop, 5e-4),
    ],
)
def test_weights_decay_and_norms_and_biases_do_not(factory, facts, kind, decay):
    optimizer, model = changed("weight-decay", factory, facts)
    assert type(optimizer) is kind
    found = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    assert len(found) == len(list(model.parameters()))
    for parameter in model.parameters():
        expected = decay if parameter.dim() >= 2 else 0.0
        assert found[id(parameter)]["weight_decay"] == pytest.approx(expected)
        assert found[id(parameter)]["lr"] == 0.1


def test_there_is_an_end_to_more_weight_decay():
    for facts in (OptimizerFacts("AdamW", (0.1,), 0.9, 0.5), OptimizerFacts("LBFGS", (1.0,))):
        plan = REMEDIES["weight-decay"].plan(patient("shared")[0], case_with(facts))
        assert isinstance(plan, NotApplicable)


def test_every_penalty_is_weakened_a_hundredfold():
    penalties = (Penalty("l1", 0.5), Penalty("l2", 0.1, "0.*"))
    made = recipe(
        relu_mlp, VECTORS, optimizer=partial(AdamW, lr=0.1, weight_decay=2.0), penalties=penalties
    )
    case = case_with(OptimizerFacts("AdamW", (0.1,), 0.9, 2.0))
    change = REMEDIES["weaken-penalty"].plan(made, case)
    new = change.apply(made)
    assert [p.weight for p in new.penalties] == pytest.approx([0.005, 0.001])
    assert new.penalties[1].parameters == "0.*"
    optimizer = build_optimizer(new, build_model(new, 0))
    assert optimizer.param_groups[0]["weight_decay"] == pytest.approx(0.02)
    assert "l1_weight = 0.005" in change.info.code


def missing(model):
    return SGD([{"params": model[0].parameters(), "lr": 0.7}], lr=0.1)


def repeated(model):
    first = list(model[0].parameters())
    with pytest.warns(UserWarning, match="duplicate"):
        return SGD([*first, *first, *model[2:].parameters()], lr=0.1)


def foreign(model):
    return SGD([*relu_mlp().parameters(), *model[0].parameters()], lr=0.1)


@pytest.mark.parametrize("factory", [missing, repeated, foreign])
def test_a_rebuilt_optimizer_holds_each_parameter_once(factory):
    facts = OptimizerFacts("SGD", (0.1,), missing=("2.weight",))
    optimizer, model = changed("rebuild-optimizer", factory, facts)
    held = [p for group in optimizer.param_groups for p in group["params"]]
    assert sorted(map(id, held)) == sorted(id(p) for p in model.parameters())
    assert optimizer.param_groups[0]["lr"] == (0.7 if factory is missing else 0.1)
    nn.functional.cross_entropy(model(VECTORS), classes(VECTORS)).backward()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer.step()
    moved = [bool((p != old).any()) for p, old in zip(model.parameters(), before, strict=True)]
    assert all(moved)


def test_frozen_parameters_are_no_business_of_a_rebuilt_optimizer():
    made, case = patient("frozen")
    facts = dataclasses.replace(case.recipe.optimizer, missing=("2.weight",))
    case = dataclasses.replace(case, recipe=dataclasses.replace(case.recipe, optimizer=facts))
    new = REMEDIES["rebuild-optimizer"].plan(made, case).apply(made)
    model = build_model(new, 0)
    held = [p for g in build_optimizer(new, model).param_groups for p in g["params"]]
    assert all(p.requires_grad for p in held)
    assert len(held) == 4


def test_unfrozen_layers_learn():
    made, case = patient("frozen")
    new = REMEDIES["unfreeze"].plan(made, case).apply(made)
    model = build_model(new, 0)
    optimizer = build_optimizer(new, model)
    nn.functional.cross_entropy(model(VECTORS), classes(VECTORS)).backward()
    before = model[0].weight.detach().clone()
    optimizer.step()
    assert not torch.equal(model[0].weight, before)


def test_edits_of_an_optimizer_are_made_in_their_order():
    made, case = patient("shared")
    case = dataclasses.replace(case, lr_range=suggesting(0.25))
    for first, second in (("learning-rate", "adamw"), ("adamw", "learning-rate")):
        new = made
        for remedy in (first, second):
            new = REMEDIES[remedy].plan(new, case).apply(new)
        optimizer = build_optimizer(new, build_model(new, 0))
        assert isinstance(optimizer, AdamW)
        assert optimizer.param_groups[0]["lr"] == 0.25


def test_a_factory_that_wants_the_model_still_finds_its_layers_behind_a_standardising_one():
    made, case = patient("head-only")
    new = REMEDIES["standardise-inputs"].plan(made, case).apply(made)
    assert len(train(new, 0, max_steps=1).history.losses) == 1
    model = build_model(new, 0)
    held = [p for g in build_optimizer(new, model).param_groups for p in g["params"]]
    assert [id(p) for p in held] == [id(p) for p in model[1][4].parameters()]


@pytest.mark.parametrize(
    ("norms", "limit"),
    [((0.5, 2.0, 4.0), 2.0), ((math.inf, math.nan, 3.0), 3.0), ((1e6,) * 3, 1.0), ((), 1.0)],
)
def test_the_gradient_is_clipped_at_the_median_norm_that_was_watched(norms, limit):
    made, _ = patient("shared")
    for case in (
        Case(history=History(gradient_norms=norms)),
        Case(trace=Trace(steps={TOTAL_GRADIENT_NORM: Series(tuple(range(len(norms))), norms)})),
    ):
        assert REMEDIES["clip-gradient"].plan(made, case).apply(made).clip_norm == limit


def test_a_tighter_limit_is_kept():
    made, case = patient("scheduled")
    assert isinstance(REMEDIES["clip-gradient"].plan(made, case), NotApplicable)
    loose = made.replace(clip_norm=100.0)
    assert REMEDIES["clip-gradient"].plan(loose, case).apply(loose).clip_norm == 1.0


def test_early_stopping_needs_something_to_stop_by():
    made, case = patient("shared")
    alone = made.replace(data=made.splits.train)
    assert "validation" in REMEDIES["early-stopping"].plan(alone, case).reason
    assert REMEDIES["early-stopping"].plan(made, case).apply(made).early_stopping.restore_best
