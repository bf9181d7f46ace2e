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
    assert Budget.of(None, 1000, 1e-6).trainings == 20.0
    assert Budget.of(None, 100, 1e-6).trainings == 60.0
    assert Budget.of(None, 1000, 2e-3).trainings == pytest.approx(7.5)


@given(
    st.floats(0.5, 50),
    st.integers(1, 10**5),
    st.floats(0.01, 1),
    st.integers(1, 20),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_a_plan_never_costs_more_than_its_part(trainings, full, part, arms, seeds, needed):
    purse = Budget(trainings, full)
    plan = purse.plan(part, arms, seeds, fewest=120, longest=10**9, needed=needed)
    assert 1 <= plan.arms <= arms
    assert plan.arms >= min(needed, arms)
    assert 1 <= plan.seeds <= seeds
    assert 1 <= plan.steps <= full
    runs = plan.arms * plan.seeds
    assert plan.steps * runs <= max(purse.left * part, runs)


def test_arms_are_dropped_before_runs_get_too_short():
    purse = Budget(trainings=3, full_steps=1000)
    plan = purse.plan(0.4, 30, 1, fewest=120, longest=10**9, needed=2)
    assert (plan.arms, plan.seeds, plan.steps) == (10, 1, 120)


def test_range_tests_have_a_share_of_their_own():
    purse = Budget(trainings=5, full_steps=200)
    tests = 0
    while purse.affords_range(100):
        purse.spend_on_range(100)
        tests += 1
    assert tests == 4
    assert purse.left == 600
    purse.spend(600)
    assert not Budget(5, 200, spent=1000).affords_range(1)
