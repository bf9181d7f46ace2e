from collections import namedtuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.core import DataError
from torchclinic.data.structure import (
    as_tensors,
    batch_to,
    join_batches,
    map_tensors,
    rows_of,
    take_rows,
    tensors_of,
)

Pair = namedtuple("Pair", "x y")


def structures(rows: int = 6):
    leaf = st.integers(1, 3).map(
        lambda d: torch.arange(rows * d, dtype=torch.float32).view(rows, d)
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(tuple),
            st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
            st.tuples(inner, inner).map(lambda pair: Pair(*pair)),
        ),
        max_leaves=6,
    )


def shape_of(structure):
    if isinstance(structure, torch.Tensor):
        return None
    if isinstance(structure, dict):
        return {key: shape_of(value) for key, value in structure.items()}
    return type(structure).__name__, [shape_of(value) for value in structure]


@given(structures())
def test_map_keeps_the_structure(structure):
    assert shape_of(map_tensors(lambda t: t + 1, structure)) == shape_of(structure)


@given(structures(), st.lists(st.integers(0, 5), min_size=1, max_size=9))
def test_take_rows_is_fancy_indexing_of_every_leaf(structure, rows):
    index = torch.tensor(rows)
    for leaf, taken in zip(
        tensors_of(structure), tensors_of(take_rows(structure, index)), strict=True
    ):
        assert torch.equal(taken, leaf[index])


@given(structures(), st.integers(1, 5))
def test_joining_the_pieces_gives_the_whole(structure, cut):
    rows = torch.arange(6)
    pieces = [take_rows(structure, rows[:cut]), take_rows(structure, rows[cut:])]
    whole = join_batches(pieces)
    assert shape_of(whole) == shape_of(structure)
    assert all(map(torch.equal, tensors_of(whole), tensors_of(structure)))


def test_join_refuses_rows_of_different_shapes():
    with pytest.raises(DataError, match="differ in the shape of a row"):
        join_batches([torch.zeros(2, 3), torch.zeros(2, 4)])


def test_a_named_tuple_stays_one():
    moved = batch_to(Pair(torch.zeros(2), ["text"]), "cpu")
    assert isinstance(moved, Pair)
    assert moved.y == ["text"]


def test_batch_to_does_not_copy_what_is_there():
    x = torch.zeros(3)
    assert batch_to((x,), "cpu")[0] is x


def test_arrays_share_memory_and_read_only_ones_are_copied():
    array = np.zeros(3, dtype=np.float32)
    tensor = as_tensors(array)
    array[0] = 5
    assert tensor[0] == 5
    array.flags.writeable = False
    assert as_tensors(array).tolist() == [5, 0, 0]


@pytest.mark.parametrize("bad", [(torch.zeros(2), "text"), {"x": 3}, (None,), np.array(["a"])])
def test_foreign_leaves_are_quoted(bad):
    with pytest.raises(DataError, match=r"text|3|None|U1"):
        as_tensors(bad)


def test_rows_of_skips_scalars():
    assert rows_of((torch.tensor(1.0), {"x": torch.zeros(4)})) == 4
    assert rows_of({"a": 1}) is None
