"""Which classes go under another number."""

from hypothesis import given
from hypothesis import strategies as st

from torchclinic.functional.recoding import recoding

CLASSES = range(6)
LIMITS = {"share": 0.6, "kept": 0.2}


def confusion(table, right=20, wrong=2):
    """Rows taken for k have class table[k], a few the one after it."""
    found = {}
    for said in CLASSES:
        for truth, rows in ((table[said], right), ((table[said] + 1) % 6, wrong)):
            found[said, truth] = found.get((said, truth), 0) + rows
    return found


@given(st.permutations(list(CLASSES)))
def test_any_permutation_is_found_and_nothing_else(table):
    found = recoding(confusion(table), set(CLASSES), **LIMITS)
    moved = tuple((k, table[k]) for k in CLASSES if table[k] != k)
    assert (() if found is None else found.moves) == moved
    if found is not None:
        assert found.moved == 20 * len(moved)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_a_class_that_training_lacks_is_no_new_number(one, two, three):
    rows = {(1, 2): 20 + one, (0, 0): two, (1, 1): three // 20}
    assert recoding(rows, {0, 1}, **LIMITS) is None


def test_a_class_taken_for_another_by_a_weak_model_is_no_new_number():
    weak = {(0, 0): 30, (0, 1): 25, (0, 2): 25, (1, 2): 5, (1, 1): 6}
    assert recoding(weak, {0, 1, 2}, **LIMITS) is None


def test_z_is_mcnemars():
    found = recoding({(0, 1): 20, (1, 0): 18, (1, 1): 2, (0, 0): 1}, {0, 1}, **LIMITS)
    assert found is not None
    assert abs(found.z - (38 - 3) / (38 + 3) ** 0.5) < 1e-12
