"""What a loss is given and asks for."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from torchclinic.clinic.preflight import batch_facts
from torchclinic.core import Recipe

X = torch.randn(120, 6, generator=torch.Generator().manual_seed(0))
HALF = (X[:, :1] > 0).float()


def asked(loss, target, outputs=1, head=None):
    def net():
        return nn.Sequential(nn.Linear(6, outputs), *([] if head is None else [head]))

    recipe = Recipe(
        model=net, data=(X, target), loss=loss, optimizer=partial(torch.optim.SGD, lr=0.1), steps=1
    )
    return batch_facts(recipe).loss


def hinge(output, target):
    return F.relu(1 - target * output).mean()


@pytest.mark.parametrize(("targets", "silent"), [(HALF, True), (2 * HALF - 1, False)])
def test_a_hinge_says_nothing_of_labels_that_are_0(targets, silent):
    found = asked(hinge, targets)
    zeros = int((HALF == 0).sum())
    assert found.silent == ({0: zeros} if silent else {})
    assert sum(found.rows.values()) == len(X)


@pytest.mark.parametrize(
    ("loss", "target", "outputs"),
    [
        (nn.BCEWithLogitsLoss(), HALF, 1),
        (nn.CrossEntropyLoss(), HALF[:, 0].long(), 2),
        (nn.MSELoss(), HALF, 1),
        (lambda o, t: ((o - t) ** 2 * (1 + t)).mean(), HALF, 1),
    ],
)
def test_usual_losses_ask_something_of_every_row(loss, target, outputs):
    assert asked(loss, target, outputs).silent == {}


def test_targets_that_are_numbers_have_no_labels():
    assert asked(nn.MSELoss(), X[:, :1]).rows == {}


@pytest.mark.parametrize(
    ("head", "given"),
    [
        (nn.Softmax(1), "probabilities"),
        (nn.LogSoftmax(1), "log-probabilities"),
        (nn.Softplus(), "positive"),
        (None, "any"),
    ],
)
def test_what_a_divergence_is_given(head, given):
    found = asked(nn.KLDivLoss(reduction="batchmean"), X[:, :3].softmax(1), 3, head)
    assert (found.function, found.given) == ("kl_div", given)


class Exponential(nn.Module):
    def forward(self, x):
        return x.exp()


@pytest.mark.parametrize(
    ("head", "log_input", "exponential"),
    [(Exponential(), True, True), (nn.Softplus(), False, True), (None, True, False)],
)
def test_what_a_poisson_loss_is_given(head, log_input, exponential):
    found = asked(nn.PoissonNLLLoss(log_input=log_input), (3 * HALF).round(), head=head)
    assert found.function == "poisson_nll_loss"
    assert (found.log_input, found.exponential) == (log_input, exponential)


def test_a_margin_loss_is_heard_with_its_labels():
    found = asked(nn.SoftMarginLoss(), HALF)
    assert (found.function, found.lowest, found.highest) == ("soft_margin_loss", 0, 1)
    assert set(found.silent) == {0}


def by_hand(first, log=False, floor=None):
    """A Gaussian likelihood of two columns, doubled and shifted as users write it."""

    def loss(output, target):
        one, other = output.chunk(2, 1)
        mean, spread = (other, one) if first else (one, other)
        spread = spread if floor is None else spread.clamp(min=floor)
        if log:
            return (spread + (target - mean) ** 2 * (-spread).exp()).mean()
        return (0.9189 + 0.5 * spread.log() + (target - mean) ** 2 / (2 * spread)).mean()

    return loss


@pytest.mark.parametrize("first", [False, True], ids=["mean first", "variance first"])
@pytest.mark.parametrize("floor", [None, 1e-6], ids=["plain", "clamped"])
def test_a_variance_is_found_in_a_likelihood_written_by_hand(first, floor):
    found = asked(by_hand(first, floor=floor), X[:, :1], outputs=2)
    assert found.variance < 0
    assert asked(by_hand(first), X[:, :1], outputs=2, head=nn.Softplus()).variance > 0


@pytest.mark.parametrize(
    "loss",
    [
        by_hand(first=False, log=True),
        lambda o, t: by_hand(first=False)(F.softplus(o), t),
        lambda o, t: (o - t).square().mean(),
        lambda o, t: (o[:, :1] - t).square().mean() + o[:, 1:].square().mean(),
    ],
    ids=["logarithm", "softplus in the loss", "squared error", "penalty"],
)
def test_other_losses_of_two_columns_have_no_variance(loss):
    assert asked(loss, X[:, :1], outputs=2).variance is None


@pytest.mark.parametrize("named", [False, True], ids=["by place", "by name"])
def test_the_smallest_variance_that_torch_is_given_is_known(named):
    def loss(output, target):
        given = {"var": output[:, 1:].exp() + 3.0} if named else {}
        others = () if named else (output[:, 1:].exp() + 3.0,)
        return F.gaussian_nll_loss(output[:, :1], target, *others, **given)

    assert 3.0 < asked(loss, X[:, :1], outputs=2).variance < 4.0
    assert asked(nn.MSELoss(), X[:, :1]).variance is None


def test_a_variance_that_torch_refuses_is_known_all_the_same():
    def loss(output, target):
        return F.gaussian_nll_loss(output[:, :1], target, output[:, 1:])

    assert asked(loss, X[:, :1], outputs=2).variance < 0
