"""The proof's data is never the search's, whatever parts the user gave."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from torchclinic.clinic.holdout import hold_out
from torchclinic.core import DataError, Recipe, Splits


def rows(start, count):
    x = torch.arange(start, start + count, dtype=torch.float32)[:, None]
    return x, torch.arange(count) % 2


def recipe(data):
    return Recipe(model=list, loss=min, optimizer=list, epochs=1, data=data)


def ids(part):
    return set() if part is None else {int(value) for value in part[0].flatten()}


CASES = {
    "all": Splits(rows(0, 200), rows(1000, 80), rows(2000, 80)),
    "train and test": Splits(rows(0, 200), test=rows(2000, 80)),
    "train and large validation": Splits(rows(0, 200), rows(1000, 400)),
    "train and small validation": Splits(rows(0, 200), rows(1000, 80)),
    "train": rows(0, 200),
}


@pytest.mark.parametrize("name", CASES)
def test_search_never_sees_what_the_proof_judges_on(name):
    held = hold_out(recipe(CASES[name]))
    seen = ids(held.search.splits.train) | ids(held.search.splits.validation)
    for proof in (held.proof, held.proof_with_validation):
        judged = ids(proof.splits.test)
        assert judged
        assert not judged & seen
        assert not judged & ids(proof.splits.train)
        assert not judged & ids(proof.splits.validation)
    assert held.search.splits.test is None
    assert ids(held.search.splits.validation)
    assert ids(held.proof_with_validation.splits.validation)


def test_the_proof_trains_on_all_rows_where_a_test_split_is_given():
    held = hold_out(recipe(CASES["train and test"]))
    assert len(ids(held.proof.splits.train)) == 200
    assert len(ids(held.search.splits.train)) == 170


def test_too_few_rows_are_refused():
    with pytest.raises(DataError, match="5 rows"):
        hold_out(recipe(rows(0, 5)))


@settings(deadline=None, max_examples=20)
@given(st.integers(40, 400), st.integers(0, 5))
def test_nothing_is_lost_or_doubled(count, seed):
    held = hold_out(recipe(rows(0, count)), seed=seed)
    parts = held.proof_with_validation.splits
    sets = [ids(parts.train), ids(parts.validation), ids(parts.test)]
    assert sum(map(len, sets)) == len(set.union(*sets)) == count
