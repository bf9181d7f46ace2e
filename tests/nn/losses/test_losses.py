"""The margin losses against torch and against sums by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import hinge_loss, zero_one_loss
from torch import nn

from torchclinic.core import LossError, UsageError
from torchclinic.nn.losses import (
    MARGIN_LOSSES,
    ExponentialLoss,
    HingeLoss,
    LogisticLoss,
    ZeroOneLoss,
    margin_curves,
)

BY_HAND = {
    "zero-one": lambda m: 0.0 if m > 0 else 1.0,
    "hinge": lambda m: max(0.0, 1.0 - m),
    "logistic": lambda m: math.log1p(math.exp(-m)),
    "exponential": lambda m: math.exp(-m),
}


def rows(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    scores = 2 * torch.randn(40, generator=generator, dtype=dtype)
    return scores, torch.randint(2, (40,), generator=generator)


def test_every_member_has_an_oracle():
    assert set(MARGIN_LOSSES) == set(BY_HAND)


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("negative", [0, -1])
def test_sums_by_hand(name, negative):
    scores, classes = rows()
    targets = torch.where(classes == 1, 1, negative)
    each = [
        BY_HAND[name](s if c else -s)
        for s, c in zip(scores.tolist(), classes.tolist(), strict=True)
    ]
    made = MARGIN_LOSSES[name]
    assert float(made()(scores, targets)) == pytest.approx(sum(each) / 40)
    assert float(made(reduction="sum")(scores, targets)) == pytest.approx(sum(each))
    assert made(reduction="none")(scores[:, None], targets[:, None]).tolist() == [
        [pytest.approx(value)] for value in each
    ]


def test_torch_and_sklearn_agree():
    scores, classes = rows()
    signs = 2 * classes - 1
    logistic = LogisticLoss()(scores, classes)
    torch.testing.assert_close(logistic, nn.SoftMarginLoss()(scores, signs))
    torch.testing.assert_close(logistic, nn.BCEWithLogitsLoss()(scores, classes.double()))
    assert float(HingeLoss()(scores, signs)) == pytest.approx(hinge_loss(signs, scores))
    wrong = zero_one_loss(signs, scores.sign())
    assert float(ZeroOneLoss()(scores, signs)) == pytest.approx(wrong)


@pytest.mark.parametrize("loss", [HingeLoss(), LogisticLoss(), ExponentialLoss()])
def test_gradients(loss):
    scores, targets = rows()
    assert torch.autograd.gradcheck(lambda s: loss(s, targets), scores.requires_grad_())


@pytest.mark.parametrize("name", BY_HAND)
def test_they_compile_without_a_break_and_run_under_autocast(name):
    scores, targets = rows(torch.float32)
    loss = MARGIN_LOSSES[name]()
    torch._dynamo.reset()
    compiled = torch.compile(loss, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(scores, targets), loss(scores, targets))
    with torch.autocast("cpu", torch.bfloat16):
        assert bool(loss(scores, targets).isfinite())


@given(st.floats(-30, 30))
def test_the_surrogates_never_fall_below_the_zero_one_loss(margin):
    at = torch.tensor([margin], dtype=torch.float64)
    least = ZeroOneLoss().of_margin(at)
    for loss in (HingeLoss(), LogisticLoss(bits=True), ExponentialLoss()):
        assert bool(loss.of_margin(at) >= least)


def test_the_logistic_loss_of_a_large_margin_is_finite():
    huge = torch.tensor([-1e4, 1e4])
    assert LogisticLoss(reduction="none")(huge, torch.ones(2)).tolist() == [1e4, 0.0]


def test_curves():
    curves = margin_curves(low=-2, high=2, points=101)
    for name, by_hand in BY_HAND.items():
        assert curves.losses[name].tolist() == pytest.approx(
            [by_hand(m) for m in curves.margins.tolist()]
        )
    assert not curves.slopes["zero-one"].any()
    torch.testing.assert_close(
        curves.slopes["logistic"], -torch.sigmoid(-curves.margins), atol=1e-12, rtol=0
    )
    one = margin_curves({"wide": HingeLoss(width=2.0)}, points=5)
    assert one.losses["wide"].tolist() == [5.0, 3.5, 2.0, 0.5, 0.0]


def test_nothing_can_be_trained_with_the_zero_one_loss():
    scores = torch.ones(3, requires_grad=True)
    assert not ZeroOneLoss()(scores, torch.ones(3)).requires_grad


@pytest.mark.parametrize(
    ("call", "quoted"),
    [
        (lambda: HingeLoss(reduction="median"), "'median'"),
        (lambda: HingeLoss(width=0.0), "width is 0.0"),
        (lambda: HingeLoss()(torch.zeros(4, 1), torch.zeros(4)), r"\(4, 1\) and targets \(4,\)"),
    ],
)
def test_senseless_losses_are_refused(call, quoted):
    with pytest.raises(LossError, match=quoted):
        call()


@pytest.mark.parametrize("options", [{"low": 1.0, "high": 1.0}, {"points": 1}])
def test_senseless_ranges_are_refused(options):
    with pytest.raises(UsageError):
        margin_curves(**options)
