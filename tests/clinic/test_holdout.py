"""The proof's data is never the search's, whatever parts the user gave."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

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
    assert len(ids(held.search.splits.train)) == 168  # 85 %, and a last batch of 8 rows as before


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


def train_rows(recipe):
    return len(recipe.splits.train[1])


@settings(deadline=None, max_examples=60)
@given(st.integers(40, 400), st.integers(2, 40), st.sampled_from(["train", "test", "validation"]))
def test_the_last_batch_keeps_its_size(count, size, other):
    parts = {} if other == "train" else {other: rows(5000, 80)}
    held = hold_out(recipe(Splits(rows(0, count), **parts)).replace(batch_size=size))
    for part in (held.search, held.proof, held.proof_with_validation):
        left = train_rows(part)
        if count // size >= 8:  # so many batches that some of them can be spared
            assert left % size == count % size
            assert count * (0.7 if other == "train" else 0.85) - size <= left
        if count % size != 1:
            assert left % size != 1


def test_wine_does_not_get_a_batch_of_one_row():
    held = hold_out(recipe(Splits(rows(0, 133), test=rows(2000, 45))).replace(batch_size=16))
    assert train_rows(held.search) == 101
    assert train_rows(held.search) % 16 == 133 % 16 == 5


def test_a_last_batch_of_one_row_stays_one():
    held = hold_out(recipe(Splits(rows(0, 675), test=rows(2000, 80))).replace(batch_size=2))
    assert train_rows(held.search) % 2 == 1


def test_a_loader_keeps_the_size_of_its_last_batch():
    loader = DataLoader(TensorDataset(*rows(0, 133)), batch_size=16, shuffle=True)
    held = hold_out(recipe(Splits(loader, test=rows(2000, 45))))
    assert [len(y) for _, y in held.search.splits.train][-1] == 5
