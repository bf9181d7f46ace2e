"""Hand-written losses are known by their values, and nothing is assumed of the others."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from clinic.preflight_recipes import classes, mlp, recipe, table, values
from torchclinic.clinic.preflight import batch_facts, one_batch_facts, recipe_facts
from torchclinic.clinic.preflight.loss.identifying import identify
from torchclinic.clinic.preflight.loss.loss_listener import LossListener

CLASSES = torch.arange(24) % 3
ZERO_ONE = (torch.arange(24) % 2).float()[:, None]
REAL = torch.linspace(-2, 3, 24)[:, None]


def scores(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def huber(p, t):
    away = (p - t).abs()
    return torch.where(away < 1, away**2 / 2, away - 0.5).mean()


def entropy(p, t):
    return -(t * torch.log(p + 1e-8) + (1 - t) * torch.log(1 - p + 1e-8)).mean()


def naive_entropy(p, t):
    return -(t * torch.log(p) + (1 - t) * torch.log(1 - p)).mean()


WRITTEN = {
    "mse": [
        (lambda p, t: ((p - t) ** 2).mean(), scores(24, 1), REAL),
        (lambda p, t: ((p - t) ** 2).sum(), scores(24, 1), REAL),
        (lambda p, t: 0.5 * ((p - t) ** 2).sum(1).mean(), scores(24, 2), REAL.expand(24, 2)),
        (lambda p, t: (p.squeeze() - t).square().mean(), scores(24, 1), REAL[:, 0]),
        (lambda p, t: (p - t).square().mean(), 0.01 * scores(24, 1), ZERO_ONE),
        (lambda p, t: -((p - t) ** 2).mean(), scores(24, 1), REAL),
    ],
    "l1": [(lambda p, t: (p - t).abs().mean(), scores(24, 1), REAL)],
    "huber": [(huber, scores(24, 1), REAL), (huber, 0.1 * scores(24, 1), ZERO_ONE)],
    "cross-entropy": [
        (
            lambda p, t: -(p.exp() / p.exp().sum(1, True))[torch.arange(len(t)), t].log().mean(),
            scores(24, 3),
            CLASSES,
        ),
        (
            lambda p, t: -(t * p.log_softmax(1)).sum(1).mean(),
            scores(24, 3),
            F.one_hot(CLASSES, 3).float(),
        ),
    ],
    "nll": [
        (lambda p, t: -p.gather(1, t[:, None]).sum(), scores(24, 3).log_softmax(1), CLASSES),
    ],
    "bce": [
        (entropy, scores(24, 1).sigmoid(), ZERO_ONE),
        (naive_entropy, (100 * scores(24, 1)).sigmoid().round(), ZERO_ONE),
    ],
    "bce-with-logits": [
        (lambda p, t: (F.softplus(p) - p * t).sum(), scores(24, 1), ZERO_ONE),
        (lambda p, t: entropy(p.sigmoid(), t), scores(24, 1), ZERO_ONE),
    ],
}


@pytest.mark.parametrize(
    ("kind", "loss", "output", "target"),
    [(kind, *row) for kind, rows in WRITTEN.items() for row in rows],
)
def test_known_losses_are_known_by_their_values(kind, loss, output, target):
    found = identify(loss, output, target)
    assert found is not None
    assert found.kind == kind
    assert not found.broadcasts


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, t: (p - t).pow(4).mean(),
        lambda p, t: ((p - t) ** 2).mean().sqrt(),
        lambda p, t: ((p - t) ** 2).mean() + 0.01 * p.abs().mean(),
        lambda p, t: p.mean(),
        lambda p, t: torch.rand(()),
        lambda p, t: p.no_such_method(t),
    ],
)
def test_other_losses_are_not(loss):
    assert identify(loss, scores(24, 1), REAL) is None


def test_a_loss_that_broadcasts_is_told_from_one_that_squeezes():
    output, target = scores(24, 1), REAL[:, 0]
    assert identify(lambda p, t: ((p - t) ** 2).mean(), output, target).broadcasts
    assert not identify(lambda p, t: ((p[:, 0] - t) ** 2).mean(), output, target).broadcasts


# --- the facts ------------------------------------------------------------------------------


def squared(p, t):
    return ((p - t) ** 2).mean()


def test_a_squared_error_of_ones_own_gives_the_facts_of_torchs():
    own, torchs = (recipe(values(), partial(mlp, 1), loss) for loss in (squared, nn.MSELoss()))
    assert recipe_facts(own, 0).loss_kind == "mse"
    assert recipe_facts(own, 0).task == "regression"
    mine, theirs = batch_facts(own, 0), batch_facts(torchs, 0)
    assert mine.expected_loss == pytest.approx(theirs.expected_loss, rel=1e-5)
    assert mine.outputs == theirs.outputs
    assert one_batch_facts(own, 0).passed


def flipped(o, t):
    return o.log_softmax(1).gather(1, t[:, None]).mean()


def test_a_flipped_loss_of_ones_own_is_expected_at_the_plain_one():
    found = batch_facts(recipe(loss=flipped), 0)
    assert found.initial_loss < -1
    assert found.expected_loss == pytest.approx(1.09, abs=0.02)
    assert recipe_facts(recipe(loss=flipped), 0).loss_kind == "cross-entropy"


def two_heads(o, t):
    return (0.5 * o[:, 1:] + 0.5 * (t - o[:, :1]) ** 2 / o[:, 1:].exp()).mean()


def penalised(o, t):
    return F.mse_loss(o[:, :1], t) + o[:, 1:].square().mean() + 1


@pytest.mark.parametrize("loss", [two_heads, penalised])
def test_outputs_that_the_loss_slices_do_not_broadcast(loss):
    found = batch_facts(recipe(values(), partial(mlp, 2), loss), 0)
    assert not found.outputs.broadcasts
    assert found.expected_loss is None


@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
def test_a_broadcasting_loss_is_found_however_it_is_written():
    x, y = values()
    for loss in (squared, nn.MSELoss(), lambda o, t: F.l1_loss(o, t) + 0.1):
        assert batch_facts(recipe((x, y[:, 0]), partial(mlp, 1), loss), 0).outputs.broadcasts


def reconstruction(model, batch):
    x = batch[0].sigmoid()
    return F.binary_cross_entropy_with_logits(model(x), x, reduction="sum") / len(x) + 0.3


def only_labels(model, batch):
    x, y = batch
    return F.cross_entropy(model(x), y)


def test_nothing_is_expected_of_a_step_with_more_in_it_than_its_loss():
    assert batch_facts(recipe(step=only_labels), 0).expected_loss == pytest.approx(1.09, abs=0.02)
    found = batch_facts(recipe((table(), classes()[1]), partial(mlp, 6), step=reconstruction), 0)
    assert found.expected_loss is None
    assert found.initial_loss > 1


class TestSpread:
    """A difference of outputs (N, 1) and targets (N,) is heard in anybody's code."""

    def heard(self, function):
        with LossListener() as listener:
            function()
        return listener.spread

    def test_outputs_against_targets_are_heard_either_way_round(self):
        output, target = torch.zeros(5, 1, requires_grad=True), torch.ones(5)
        for difference in (lambda: output - target, lambda: torch.sub(target, output)):
            found = self.heard(difference)
            assert found[0] is output
            assert found[1] is target

    def test_what_is_meant_is_not(self):
        points = torch.zeros(5, requires_grad=True)
        output, target = torch.zeros(5, 1, requires_grad=True), torch.ones(5)
        assert self.heard(lambda: points[:, None] - points[None]) is None  # all pairs of points
        assert self.heard(lambda: target[:, None] - target) is None
        assert self.heard(lambda: output - target[:, None]) is None
        assert self.heard(lambda: output - 1) is None
        assert self.heard(lambda: output[:1] - target[:1]) is None  # one row
