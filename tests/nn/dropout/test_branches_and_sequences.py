"""Stochastic depth, Gaussian and locked dropout against theory."""

import pytest
import torch
from torch import nn

from torchclinic.core import SurgeryError, UsageError
from torchclinic.nn import (
    GaussianDropout,
    LockedDropout,
    Residual,
    StochasticDepth,
    linear_decay,
    set_linear_decay,
)


def test_rows_are_dropped_as_wholes_and_each_by_itself():
    torch.manual_seed(0)
    y = StochasticDepth(0.3)(torch.ones(20_000, 2, 3))
    assert bool((y == y[:, :1, :1]).all())
    assert (y[:, 0, 0] == 0).float().mean().item() == pytest.approx(0.3, abs=0.015)
    assert y.max().item() == pytest.approx(1 / 0.7, rel=1e-4)


def test_in_batch_mode_the_batch_is_dropped_as_a_whole():
    torch.manual_seed(0)
    layer = StochasticDepth(0.3, mode="batch")
    draws = torch.stack([layer(torch.ones(4, 2)) for _ in range(4000)])
    assert bool((draws == draws[:, :1, :1]).all())
    assert (draws[:, 0, 0] == 0).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert layer(torch.ones(())).dim() == 0


def test_a_dropped_branch_gets_no_gradient_and_leaves_the_shortcut():
    torch.manual_seed(0)
    branch = nn.Linear(3, 3)
    block = Residual(nn.Sequential(branch, StochasticDepth(1.0)))
    x = torch.randn(4, 3)
    y = block(x)
    assert torch.equal(y, x)
    y.sum().backward()
    assert torch.equal(branch.weight.grad, torch.zeros(3, 3))


def test_the_decay_is_linear_and_ends_at_the_last_rate():
    rates = linear_decay(54, 0.5)
    assert rates[-1] == 0.5
    assert [round(r, 6) for r in rates] == [round(0.5 * (i + 1) / 54, 6) for i in range(54)]
    model = nn.ModuleList([nn.Sequential(nn.Linear(1, 1), StochasticDepth(0.9)) for _ in range(3)])
    assert set_linear_decay(model, 0.3) == pytest.approx([0.1, 0.2, 0.3])
    assert [block[1].p for block in model] == pytest.approx([0.1, 0.2, 0.3])


def test_bad_arguments_are_refused_with_their_value():
    with pytest.raises(UsageError, match=r"mode is 'rows'.*row, batch"):
        StochasticDepth(0.5, mode="rows")
    with pytest.raises(UsageError, match="got a number"):
        StochasticDepth(0.5)(torch.ones(()))
    with pytest.raises(UsageError, match="branches is 0"):
        linear_decay(0)
    with pytest.raises(UsageError, match="last is 2"):
        linear_decay(3, 2)
    with pytest.raises(SurgeryError, match="no StochasticDepth"):
        set_linear_decay(nn.ReLU())
    with pytest.raises(UsageError, match=r"time_dim is 1.*\(4,\)"):
        LockedDropout(0.5)(torch.ones(4))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_gaussian_noise_has_dropouts_mean_and_variance(p):
    torch.manual_seed(0)
    ones = torch.ones(200_000, dtype=torch.float64)
    ours, theirs = GaussianDropout(p)(ones), nn.functional.dropout(ones, p)
    assert ours.mean().item() == pytest.approx(1.0, abs=0.03)
    assert ours.var().item() == pytest.approx(p / (1 - p), rel=0.03)
    assert theirs.var().item() == pytest.approx(p / (1 - p), rel=0.03)
    assert (ours == 0).sum() == 0


@pytest.mark.parametrize("time_dim", [0, 1, -2])
def test_a_locked_mask_stays_along_time_and_differs_elsewhere(time_dim):
    torch.manual_seed(0)
    x = torch.ones(6, 5, 400)
    y = LockedDropout(0.4, time_dim)(x)
    first = y.narrow(time_dim, 0, 1)
    assert bool((y == first).all())
    assert (first == 0).float().mean().item() == pytest.approx(0.4, abs=0.05)
    other = 1 if time_dim == 0 else 0
    assert not bool((y == y.narrow(other, 0, 1)).all())
