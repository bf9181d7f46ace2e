"""Random masks against the binomial distribution."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare

from torchclinic.nn.dropout import inverted_mask, keep_mask
from torchclinic.nn.dropout.random_masks import LEVELS

CERTAIN = 1e-4  # p-value below which a mask is not taken for one of its rate


@pytest.mark.parametrize("p", [0.01, 0.2, 0.5, 0.9, 0.999])
def test_the_share_that_is_kept_is_binomial(p):
    torch.manual_seed(0)
    kept = int(keep_mask(torch.empty(400, 500), p).sum())
    assert binomtest(kept, 400 * 500, 1 - p).pvalue > CERTAIN


def test_neighbours_are_independent():
    torch.manual_seed(0)
    kept = keep_mask(torch.empty(300_000), 0.5).view(-1, 4)  # four elements out of one number
    patterns = (kept * torch.tensor([8, 4, 2, 1])).sum(1).bincount(minlength=16)
    assert chisquare(patterns.numpy()).pvalue > CERTAIN


@settings(max_examples=40, deadline=None)
@given(st.floats(0.001, 0.999), st.lists(st.integers(0, 7), max_size=4))
def test_masks_have_mean_1_at_any_rate_and_shape(p, shape):
    mask = inverted_mask(torch.empty(shape, dtype=torch.float64), p)
    assert mask.shape == torch.Size(shape)
    values = set(mask.flatten().tolist())
    scale = max(values | {1.0})
    assert values <= {0.0, scale}
    assert scale == 1.0 or abs(1 / scale - (1 - p)) <= 0.5 / LEVELS + 1e-12


def test_mean_and_variance_are_those_of_an_inverted_dropout():
    torch.manual_seed(1)
    mask = inverted_mask(torch.empty(1_000_000, dtype=torch.float64), 0.3)
    assert mask.mean().item() == pytest.approx(1.0, abs=5e-3)
    assert mask.var().item() == pytest.approx(0.3 / 0.7, rel=1e-2)


@pytest.mark.parametrize("p", [1e-9, 1 - 1e-9])
def test_extreme_rates_stay_rates(p):
    mask = inverted_mask(torch.empty(10_000), p)
    assert bool(mask.isfinite().all())


@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 5)])
def test_rates_of_0_and_1_are_exact(shape):
    like = torch.empty(shape)
    assert torch.equal(keep_mask(like, 0.0), torch.ones(shape, dtype=torch.bool))
    assert torch.equal(keep_mask(like, 1.0), torch.zeros(shape, dtype=torch.bool))
    assert torch.equal(inverted_mask(like, 0.0), torch.ones(shape))


def test_the_share_is_torchs_too():
    torch.manual_seed(2)
    ours = (inverted_mask(torch.empty(200_000), 0.4) > 0).float().mean()
    theirs = (torch.nn.functional.dropout(torch.ones(200_000), 0.4) > 0).float().mean()
    assert ours.item() == pytest.approx(theirs.item(), abs=0.01)
