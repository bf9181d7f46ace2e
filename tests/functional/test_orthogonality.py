"""The orthogonality penalty against sums by hand and automatic differentiation."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.functional import orthogonality, orthogonality_gradient

SHAPES = [(3, 5), (5, 3), (4, 4), (1, 6), (4, 2, 3, 3), (9, 1, 2, 2)]


def weight(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_by_hand(shape):
    w = weight(shape).flatten(1)
    vectors = w if w.shape[0] <= w.shape[1] else w.T
    total = sum(
        (float(vectors[i] @ vectors[j]) - (i == j)) ** 2
        for i in range(len(vectors))
        for j in range(len(vectors))
    )
    assert float(orthogonality(weight(shape))) == pytest.approx(total)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(shape):
    w = weight(shape).requires_grad_()
    assert torch.autograd.gradcheck(orthogonality, w)
    assert torch.autograd.gradgradcheck(orthogonality, w)
    (by_autograd,) = torch.autograd.grad(orthogonality(w), w)
    torch.testing.assert_close(orthogonality_gradient(w.detach()), by_autograd)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 100))
def test_only_orthogonal_weights_cost_nothing(rows, columns, seed):
    made = torch.empty(rows, columns, dtype=torch.float64)
    torch.manual_seed(seed)
    torch.nn.init.orthogonal_(made)
    assert float(orthogonality(made)) < 1e-20
    assert float(orthogonality_gradient(made).abs().max()) < 1e-10
    assert float(orthogonality(2 * made)) == pytest.approx(9 * min(rows, columns))


def test_complex_weights():
    made = torch.linalg.qr(torch.randn(3, 3, dtype=torch.complex128))[0]
    assert float(orthogonality(made)) < 1e-20
