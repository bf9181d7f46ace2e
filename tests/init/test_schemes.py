"""Every scheme's values have the variance that it says, and theory says."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from torchclinic.init import SCHEMES
from torchclinic.init.schemes import Fill


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", SCHEMES)
@settings(max_examples=12, deadline=None)
@given(
    st.integers(40, 120),
    st.integers(40, 120),
    st.sampled_from([0.5, 1.0, 2**0.5]),
    st.integers(0, 99),
)
def test_empirical_variance_lies_in_its_interval(name, rows, columns, gain, seed):
    fill = Fill((rows, columns), columns, rows, gain, generator(seed))
    values = SCHEMES[name].fill(fill)
    assert values.shape == (rows, columns)
    expected = SCHEMES[name].std(fill)
    # chi-square: the standard deviation of n normal values is known to 1 / sqrt(2 n); 5 sigma
    assert values.std(correction=0).item() == pytest.approx(
        expected, rel=5 / (2 * rows * columns) ** 0.5
    )
    assert abs(values.mean().item()) < 5 * expected / (rows * columns) ** 0.5


@pytest.mark.parametrize(
    ("name", "std"),
    [
        ("he", (2 / 100) ** 0.5),
        ("he-uniform", (2 / 100) ** 0.5),
        ("xavier", 2**0.5 * (2 / 150) ** 0.5),
        ("xavier-normal", 2**0.5 * (2 / 150) ** 0.5),
        ("lecun", 0.1),
        ("normal", 0.02),
        ("orthogonal", 2**0.5 / 10),
    ],
)
def test_standard_deviations_of_the_papers(name, std):
    assert SCHEMES[name].std(Fill((50, 100), 100, 50, 2**0.5)) == pytest.approx(std)


@pytest.mark.parametrize("name", ["he-uniform", "xavier"])
def test_uniform_ones_are_bounded(name):
    fill = Fill((100, 100), 100, 100, 1.0, generator())
    bound = 3**0.5 * SCHEMES[name].std(fill)
    largest = SCHEMES[name].fill(fill).abs().max().item()
    assert 0.98 * bound < largest <= bound


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (6, 3, 3, 3)])
def test_orthogonal_is_orthogonal(shape):
    values = SCHEMES["orthogonal"].fill(Fill(shape, 1, 1, 2.0, generator())).flatten(1)
    wide = values if values.shape[0] <= values.shape[1] else values.T
    assert torch.allclose(wide @ wide.T, 4 * torch.eye(len(wide)), atol=1e-4)


@pytest.mark.parametrize("name", SCHEMES)
def test_the_generator_decides(name):
    first, again = (SCHEMES[name].fill(Fill((5, 4), 4, 5, 1.0, generator(7))) for _ in range(2))
    other = SCHEMES[name].fill(Fill((5, 4), 4, 5, 1.0, generator(8)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
