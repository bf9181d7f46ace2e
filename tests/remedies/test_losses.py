"""Which loss is matched to which outputs and targets, and what the changed losses compute."""

import dataclasses
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from remedies.patients import (
    REALS,
    VECTORS,
    case_of,
    classes,
    patient,
    recipe,
    regression,
    relu_mlp,
    sequential,
    sigmoid_head,
    softmax_mlp,
)
from torchclinic.core import Change, NotApplicable
from torchclinic.remedies import REMEDIES
from torchclinic.training import build_model, compute_loss, train

NUMBERS = classes(VECTORS)
ONE_HOT = F.one_hot(NUMBERS, 4)
YES = REALS > 0
pytestmark = pytest.mark.filterwarnings("ignore:Using a target size")


def flipped(output, target):
    return -F.cross_entropy(output, target)


def squared_margin(output, target):
    return (1 - output.gather(1, target[:, None])).pow(2).mean()


def one_score():
    return sequential(partial(nn.Linear, 12, 16), nn.ReLU, partial(nn.Linear, 16, 1))


def two_scores():
    return sequential(partial(nn.Linear, 12, 16), nn.ReLU, partial(nn.Linear, 16, 2))


def log_softmax():
    return sequential(partial(nn.Linear, 12, 4), partial(nn.LogSoftmax, 1))


# model, targets, present loss, what the loss on the model's raw output shall be
MISMATCHES = {
    "scores into NLL": (relu_mlp, NUMBERS, nn.NLLLoss(), F.cross_entropy),
    "probabilities into NLL": (softmax_mlp, NUMBERS, nn.NLLLoss(), F.cross_entropy),
    "softmax and MSE": (softmax_mlp, ONE_HOT.float(), nn.MSELoss(), F.cross_entropy),
    "scores and MSE on whole one-hot": (
        relu_mlp,
        ONE_HOT.float(),
        nn.MSELoss(),
        F.cross_entropy,
    ),
    "scores into BCE": (
        one_score,
        YES.float(),
        nn.BCELoss(),
        F.binary_cross_entropy_with_logits,
    ),
    "sigmoid and MSE": (
        sigmoid_head,
        YES.float(),
        nn.MSELoss(),
        F.binary_cross_entropy_with_logits,
    ),
    "one score into cross-entropy": (
        one_score,
        YES.long().squeeze(1),
        nn.CrossEntropyLoss(),
        lambda s, t: F.binary_cross_entropy_with_logits(s.squeeze(1), t.float()),
    ),
    "binary targets that broadcast": (
        one_score,
        YES.float().squeeze(1),
        nn.MSELoss(),
        lambda s, t: F.binary_cross_entropy_with_logits(s.squeeze(1), t),
    ),
    "targets that broadcast": (
        regression,
        REALS.squeeze(1),
        nn.MSELoss(),
        lambda s, t: F.mse_loss(s.squeeze(1), t),
    ),
    "a sum that broadcasts": (
        regression,
        REALS.squeeze(1),
        nn.L1Loss(reduction="sum"),
        lambda s, t: F.l1_loss(s.squeeze(1), t, reduction="sum"),
    ),
    "huber that broadcasts": (
        regression,
        REALS.squeeze(1),
        nn.SmoothL1Loss(),
        lambda s, t: F.smooth_l1_loss(s.squeeze(1), t),
    ),
    "scores of shares into BCE": (
        regression,
        torch.sigmoid(REALS),
        nn.BCELoss(),
        F.binary_cross_entropy_with_logits,
    ),
    "quantities into cross-entropy": (regression, REALS, nn.CrossEntropyLoss(), F.mse_loss),
    "flipped sign": (relu_mlp, NUMBERS, flipped, F.cross_entropy),
}
FITS = {
    "cross-entropy": (relu_mlp, NUMBERS, nn.CrossEntropyLoss()),
    "cross-entropy of probabilities": (relu_mlp, ONE_HOT.float(), nn.CrossEntropyLoss()),
    "NLL of log-softmax": (log_softmax, NUMBERS, nn.NLLLoss()),
    "BCE of sigmoid": (sigmoid_head, YES.float(), nn.BCELoss()),
    "BCE with logits": (one_score, YES.float(), nn.BCEWithLogitsLoss()),
    "MSE": (regression, REALS, nn.MSELoss()),
    "margin": (two_scores, YES.long().squeeze(1), nn.MultiMarginLoss()),
    "own": (relu_mlp, NUMBERS, squared_margin),
}


def raw(model, inputs):
    """The output before its activation."""
    bounded = isinstance(model[-1], nn.Softmax | nn.Sigmoid)
    return (model[:-1] if bounded else model)(inputs)


@pytest.mark.parametrize("name", MISMATCHES)
def test_a_loss_that_does_not_fit_is_replaced_by_the_one_that_does(name):
    model, targets, loss, expected = MISMATCHES[name]
    made = recipe(model, VECTORS, targets, loss=loss)
    plan = REMEDIES["match-loss"].plan(made, case_of(made))
    assert isinstance(plan, Change), plan
    new = plan.apply(made)
    built, plain = build_model(new, 0), build_model(made, 0)
    found, _ = compute_loss(new, built, (VECTORS, targets))
    torch.testing.assert_close(found, expected(raw(plain, VECTORS), targets))
    history = train(new, 0, max_steps=2).history
    assert all(value > 0 for value in history.losses)
    variables = {"model": plain}
    exec(plan.info.code, variables)
    by_hand = variables["loss_fn"](variables["model"](VECTORS), targets)
    torch.testing.assert_close(by_hand, found)


@pytest.mark.parametrize("name", FITS)
def test_a_loss_that_fits_is_kept(name):
    model, targets, loss = FITS[name]
    made = recipe(model, VECTORS, targets, loss=loss)
    assert isinstance(REMEDIES["match-loss"].plan(made, case_of(made)), NotApplicable)


@pytest.mark.parametrize(
    ("targets", "dtype"),
    [(ONE_HOT, torch.long), (NUMBERS.float(), torch.float), (NUMBERS[:, None], torch.long)],
)
def test_targets_of_another_type_or_shape_are_brought_to_cross_entropy(targets, dtype):
    made = recipe(relu_mlp, VECTORS, NUMBERS, loss=nn.NLLLoss())
    case = case_of(made)
    kind = "one-hot" if targets.shape[1:] == (4,) else "classes"
    facts = dataclasses.replace(
        case.batch.targets, kind=kind, shape=tuple(targets.shape), dtype=str(dtype)
    )
    case = dataclasses.replace(case, batch=dataclasses.replace(case.batch, targets=facts))
    change = REMEDIES["match-loss"].plan(made, case)
    new = change.apply(made)
    variables = {}
    exec(change.info.code, variables)
    output = build_model(new, 0)(VECTORS)
    expected = F.cross_entropy(output, NUMBERS)
    torch.testing.assert_close(new.loss(output, targets), expected)
    torch.testing.assert_close(variables["loss_fn"](output, targets), expected)


def test_a_custom_step_is_not_touched():
    made = recipe(relu_mlp, VECTORS).replace(loss=None, step=lambda m, b: m(b[0]).sum())
    plan = REMEDIES["match-loss"].plan(made, patient("shared")[1])
    assert "custom step" in plan.reason


def test_standardised_targets_train_like_targets_standardised_by_hand():
    made, case = patient("regression")
    new = REMEDIES["standardise-targets"].plan(made, case).apply(made)
    inputs, targets = made.splits.train
    mean, std = targets.mean(), targets.std(correction=0)
    plain = made.replace(data=(inputs, (targets - mean) / std))
    ours = train(new.replace(data=new.splits.train, steps=20), 0)
    theirs = train(plain.replace(steps=20), 0)
    assert ours.history.losses == pytest.approx(theirs.history.losses, rel=1e-3)


def test_predictions_and_metrics_keep_the_unit_of_the_targets():
    made, case = patient("regression")
    new = REMEDIES["standardise-targets"].plan(made, case).apply(made)
    inputs, targets = made.splits.train
    with torch.no_grad():
        before, after = build_model(made, 0)(inputs), build_model(new, 0)(inputs)
    assert before.mean().abs() < 2
    assert after.mean() == pytest.approx(targets.mean().item(), rel=0.1)
    torch.testing.assert_close(after, before * targets.std(correction=0) + targets.mean())


def test_columns_of_targets_are_standardised_each_on_its_own():
    targets = torch.cat([REALS * 1000, REALS + 50], 1)
    made = recipe(
        lambda: sequential(partial(nn.Linear, 12, 2)), VECTORS, targets, loss=nn.MSELoss()
    )
    new = REMEDIES["standardise-targets"].plan(made, case_of(made)).apply(made)
    outputs = build_model(new, 0)(VECTORS)
    train_targets = made.splits.train[1]
    scale = train_targets.std(0, correction=0)
    expected = F.mse_loss(outputs / scale, targets / scale)
    torch.testing.assert_close(new.loss(outputs, targets), expected, rtol=1e-4, atol=1e-4)


def test_the_small_output_layer_starts_at_the_best_constant_prediction():
    for name in ("relu-mlp", "regression", "sigmoid-logits", "broadcast"):
        made, case = patient(name)
        new = REMEDIES["small-output-layer"].plan(made, case).apply(made)
        loss, _ = compute_loss(new, build_model(new, 0), made.splits.train)
        best = case.batch.expected_loss
        assert loss.item() == pytest.approx(best, rel=0.15), name


def test_the_small_output_layer_leaves_the_mean_to_destandardised_targets():
    made, case = patient("regression")
    for order in (
        ("standardise-targets", "small-output-layer"),
        ("small-output-layer", "standardise-targets"),
    ):
        new = made
        for remedy in order:
            new = REMEDIES[remedy].plan(new, case).apply(new)
        with torch.no_grad():
            outputs = build_model(new, 0)(VECTORS)
        assert outputs.mean() == pytest.approx(REALS.mean().item() * 40 + 500, rel=0.05)


def test_an_output_bound_is_only_dropped_where_the_targets_exceed_it():
    linear, drop = REMEDIES["linear-output"], REMEDIES["remove-output-activation"]
    inside = recipe(sigmoid_head, VECTORS, torch.sigmoid(REALS), loss=nn.MSELoss())
    beyond = recipe(sigmoid_head, VECTORS, REALS * 9, loss=nn.MSELoss())
    for remedy in (linear, drop):
        assert isinstance(remedy.plan(inside, case_of(inside)), NotApplicable)
        assert isinstance(remedy.plan(beyond, case_of(beyond)), Change)
    made = recipe(log_softmax, VECTORS)
    assert "changes nothing" in drop.plan(made, case_of(made)).reason


def test_labels_that_overlap_get_a_sigmoid_each_and_not_a_softmax():
    overlapping = (
        torch.rand(len(VECTORS), 4, generator=torch.Generator().manual_seed(1)) < 0.6
    ) * 1.0
    made = recipe(softmax_mlp, VECTORS, overlapping, loss=nn.BCELoss())
    new = REMEDIES["match-loss"].plan(made, case_of(made)).apply(made)
    assert isinstance(new.loss, nn.BCEWithLogitsLoss)
    with torch.no_grad():
        assert float(build_model(new, 0)(VECTORS).min()) < 0
    exclusive = recipe(softmax_mlp, VECTORS, ONE_HOT.float(), loss=nn.BCELoss())
    assert isinstance(REMEDIES["match-loss"].plan(exclusive, case_of(exclusive)), NotApplicable)
