"""Batch norm by hand against torch's, forward and backward."""

import pytest
import torch
from torch.nn import functional as F

from torchclinic.core import UsageError
from torchclinic.nn import batch_norm_backward, batch_norm_forward

SHAPES = [(5, 3), (4, 2, 7), (3, 4, 5, 6), (2, 3, 3, 2, 4), (2, 1)]


def parts(shape, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def normal(*size):
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    x = normal(*shape) * 3 + 5
    return x, normal(shape[1]), normal(shape[1]), normal(*shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("eps", [1e-5, 1e-1])
def test_it_equals_autograd_to_1e_10(shape, affine, eps):
    x, gamma, beta, upstream = parts(shape)
    if not affine:
        gamma = beta = None
    leaves = [tensor.requires_grad_() for tensor in (x, gamma, beta) if tensor is not None]
    y = F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)
    torch.testing.assert_close(batch_norm_forward(x, gamma, beta, eps), y, atol=1e-10, rtol=0)
    expected = torch.autograd.grad(y, leaves, upstream)
    found = batch_norm_backward(upstream, x, gamma, eps)
    for ours, theirs in zip(found, expected, strict=False):
        torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)


def test_what_goes_back_has_no_mean_and_no_part_along_the_input():
    x, gamma, _, upstream = parts((64, 5, 4))
    dx, _, _ = batch_norm_backward(upstream, x, gamma, eps=0.0)
    assert dx.sum((0, 2)).abs().max() < 1e-10
    assert (dx * x).sum((0, 2)).abs().max() < 1e-9


def test_a_weight_scaled_by_a_gets_a_gradient_divided_by_a():
    """BN(aWu) = BN(Wu), and its gradient with respect to aW is 1/a of that with respect to W."""
    generator = torch.Generator().manual_seed(1)
    u = torch.randn(32, 6, generator=generator, dtype=torch.float64)
    weight = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    upstream = torch.randn(32, 4, generator=generator, dtype=torch.float64)
    plain, _, _ = batch_norm_backward(upstream, u @ weight.T, eps=0.0)
    scaled, _, _ = batch_norm_backward(upstream, u @ (7 * weight).T, eps=0.0)
    torch.testing.assert_close(scaled.T @ u, plain.T @ u / 7, atol=1e-12, rtol=1e-9)


def test_bad_shapes_are_refused_with_their_value():
    with pytest.raises(UsageError, match=r"\(2, 3\), x \(3, 2\)"):
        batch_norm_backward(torch.ones(2, 3), torch.ones(3, 2))
    with pytest.raises(UsageError, match=r"\(4,\)"):
        batch_norm_forward(torch.ones(4))
    with pytest.raises(UsageError, match=r"\(0, 3\)"):
        batch_norm_forward(torch.ones(0, 3))
