"""The search's purse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.clinic.search import Budget
from torchclinic.core import UsageError


@pytest.mark.parametrize(("word", "size"), [(3, 3.0), ("3x", 3.0), (" 2.5X ", 2.5), ("4", 4.0)])
def test_a_users_word(word, size):
    assert Budget.of(word, 100, 1.0).trainings == size


@pytest.mark.parametrize("word", [0, -1, "much", "x", float("nan"), float("inf")])
def test_nonsense_is_quoted(word):
    with pytest.raises(UsageError, match="budget"):
        Budget.of(word, 100, 1.0)


def test_automatic_budgets_grow_with_cheapness():
    assert Budget.of(None, 1000, 1.0).trainings == 3.0
    assert Budget.of(None, 1000, 1e-6).trainings == 30.0
    assert Budget.of(None, 1000, 2e-3).trainings == pytest.approx(10.0)


@given(st.floats(0.5, 50), st.integers(1, 10**5), st.floats(0.01, 1), st.integers(1, 50))
def test_a_share_is_never_longer_than_a_training(trainings, full, part, runs):
    purse = Budget(trainings, full)
    steps = purse.share(part, runs, fewest=120)
    assert min(120, full) <= steps <= full
    purse.spend(10 * full * 60)
    assert purse.left == 0
