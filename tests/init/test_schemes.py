"""Every scheme's values have the variance that it says, and theory says."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torchclinic.core import UsageError
from torchclinic.init import SCHEMES
from torchclinic.init.schemes import Fill, constant, normal, orthogonal, sparse, uniform


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


CONSTANT = ("constant", "zeros")
RANDOM = [name for name in SCHEMES if name not in CONSTANT]


@pytest.mark.parametrize("name", RANDOM)
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
    drawn = int((values != 0).sum())
    assert values.std(correction=0).item() == pytest.approx(expected, rel=5 / (2 * drawn) ** 0.5)
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
        ("he-fan-out", (2 / 50) ** 0.5),
        ("he-harmonic", (2 * 2 / 150) ** 0.5),
        ("uniform", 1 / 300**0.5),
        ("sparse", (2 / 100) ** 0.5),
        ("constant", 0.0),
        ("zeros", 0.0),
    ],
)
def test_standard_deviations_of_the_papers(name, std):
    assert SCHEMES[name].std(Fill((50, 100), 100, 50, 2**0.5)) == pytest.approx(std)


@pytest.mark.parametrize("name", ["he-uniform", "xavier", "uniform"])
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


@pytest.mark.parametrize("name", RANDOM)
def test_the_generator_decides(name):
    first, again = (SCHEMES[name].fill(Fill((5, 4), 4, 5, 1.0, generator(7))) for _ in range(2))
    other = SCHEMES[name].fill(Fill((5, 4), 4, 5, 1.0, generator(8)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("name", "value"), [("constant", 0.01), ("zeros", 0.0)])
def test_the_counter_examples_are_one_number(name, value):
    assert SCHEMES[name].fill(Fill((5, 4, 3), 12, 5, 2.0)).unique().tolist() == pytest.approx(
        [value]
    )


def test_the_harmonic_mean_of_the_lecture_is_xavier_with_the_gain():
    for rows, columns, gain in ((50, 100, 2**0.5), (7, 3, 1.0)):
        fill = Fill((rows, columns), columns, rows, gain)
        between = SCHEMES["he-harmonic"].std(fill)
        assert between == pytest.approx(SCHEMES["xavier-normal"].std(fill))
        ends = sorted((SCHEMES["he"].std(fill), SCHEMES["he-fan-out"].std(fill)))
        assert ends[0] < between < ends[1]
        assert 2 / between**2 == pytest.approx(1 / ends[0] ** 2 + 1 / ends[1] ** 2)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 0.99), st.integers(1, 40), st.sampled_from([(6, 10), (4, 3, 5, 2)]))
def test_sparse_leaves_as_many_weights_to_each_unit(sparsity, seed, shape):
    inputs = 10 if len(shape) == 2 else 30
    values = sparse(sparsity).fill(Fill(shape, inputs, 1, 1.0, generator(seed)))
    left = (values.flatten(1) != 0).sum(1)
    assert (left == max(1, inputs - math.ceil(sparsity * inputs))).all()


def test_uniform_is_what_torch_gives_its_layers():
    layer = nn.Linear(300, 200)
    std = SCHEMES["uniform"].std(Fill((200, 300), 300, 200, 1.0))
    assert layer.weight.std().item() == pytest.approx(std, rel=0.02)
    assert layer.weight.abs().max().item() <= 300**-0.5


@pytest.mark.parametrize("name", [name for name in SCHEMES if SCHEMES[name].options()])
def test_options_make_another_scheme_of_the_same_name(name):
    kind = SCHEMES[name]
    changed = kind.with_options(**{kind.options()[0]: 0.5})
    assert changed.name == name
    assert changed.title != kind.title
    fill = Fill((60, 60), 60, 60, 1.0, generator())
    assert changed.fill(fill).std(correction=0).item() == pytest.approx(changed.std(fill), rel=0.1)


@pytest.mark.parametrize("name", SCHEMES)
def test_a_factor_multiplies_values_and_their_spread(name):
    fill, again = (Fill((8, 6), 6, 8, 1.0, generator(3)) for _ in range(2))
    half = SCHEMES[name].times(0.5)
    assert torch.allclose(half.fill(fill), SCHEMES[name].fill(again) / 2)
    assert half.std(fill) == SCHEMES[name].std(fill) / 2
    assert SCHEMES[name].times(1.0) is SCHEMES[name]


@pytest.mark.parametrize(
    "make",
    [
        lambda: normal(0.0),
        lambda: normal(float("nan")),
        lambda: uniform(-1.0),
        lambda: sparse(1.0),
        lambda: constant(float("inf")),
        lambda: orthogonal(0.0),
    ],
)
def test_options_out_of_range_are_refused(make):
    with pytest.raises(UsageError):
        make()


def test_xaviers_uniform_bound_has_the_root_over_all():
    fill = Fill((300, 200), 200, 300, 1.0, generator())
    largest = SCHEMES["xavier"].fill(fill).abs().max().item()
    assert largest == pytest.approx((6 / 500) ** 0.5, rel=1e-3)
    assert largest > 20 * 6**0.5 / 500
