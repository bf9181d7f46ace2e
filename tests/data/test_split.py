import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import (
    DataLoader,
    Dataset,
    Sampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from data.sources import SOURCES, Epochs, Squares, Stream, X, Y, gen, loader
from torchclinic.core import DataError
from torchclinic.data import batches, split
from torchclinic.data.partition import deal


def rows(source, generator=None):
    data = batches(source, batch_size=5, shuffle=True)
    return sorted(row for _, y in data.epoch(generator or gen()) for row in y.tolist())


@pytest.mark.parametrize("name", [n for n in SOURCES if n != "reiterable"])
def test_parts_are_disjoint_and_complete(name):
    parts = split(SOURCES[name](), (0.6, 0.4), seed=3)
    left, right = (rows(part) for part in parts)
    assert sorted(left + right) == Y.tolist()
    assert 0 < len(right) < len(left)


@pytest.mark.parametrize("name", SOURCES)
def test_the_seed_alone_decides_the_parts(name):
    source = SOURCES[name]()
    first, again = (split(source, (0.6, 0.4), seed=1) for _ in "ab")
    assert [rows(p) for p in first] == [rows(p) for p in again]


KINDS = {
    "tensors": tuple,
    "tensor-dataset": TensorDataset,
    "dataset": Subset,
    "loader": DataLoader,
    "list": list,
    "generator": list,
}


@pytest.mark.parametrize("name", KINDS)
def test_the_parts_are_of_the_same_kind(name):
    assert all(isinstance(part, KINDS[name]) for part in split(SOURCES[name](), (0.5, 0.5)))


def test_other_seeds_give_other_parts():
    assert rows(split((X, Y), (0.5, 0.5), seed=1)[0]) != rows(split((X, Y), (0.5, 0.5), seed=2)[0])


@given(
    st.lists(st.integers(0, 4), min_size=10, max_size=200),
    st.floats(0.1, 0.9),
    st.integers(0, 5),
)
def test_each_part_has_its_share_of_each_class(labels, share, seed):
    y = torch.tensor(labels)
    parts = deal(len(y), (share, 1 - share), seed=seed, labels=y)
    assert sorted(torch.cat(parts).tolist()) == list(range(len(y)))
    for label in range(5):
        count = int((y == label).sum())
        assert abs(int((y[parts[0]] == label).sum()) - share * count) <= 2


class WithTargets(Squares):
    targets = [0] * 20 + [1] * 3


def test_a_dataset_with_targets_is_split_by_class():
    _, held_out = split(WithTargets(), (2 / 3, 1 / 3))
    assert sum(row >= 20 for row in held_out.indices) == 1


def test_named_targets_in_a_dict_are_split_by_class():
    source = {"pixels": torch.rand(40, 3), "labels": torch.tensor([0] * 36 + [1] * 4)}
    parts = split(source, (0.5, 0.5))
    assert [int(part["labels"].sum()) for part in parts] == [2, 2]


def test_a_loader_keeps_its_settings():
    def collate(items):
        return torch.stack([x for x, _ in items]), torch.stack([y for _, y in items]) + 100

    train, held_out = split(loader(collate_fn=collate, drop_last=True), (0.6, 0.4))
    assert train.batch_size == held_out.batch_size == 5
    assert train.drop_last
    assert min(rows(train)) >= 100
    assert type(train.sampler).__name__ == "SequentialSampler"
    shuffled, _ = split(loader(shuffle=True), (0.6, 0.4))
    assert type(shuffled.sampler).__name__ == "RandomSampler"


def test_a_loader_over_a_subset_stays_within_it():
    parts = split(loader(sampler=SubsetRandomSampler([1, 3, 5, 7])), (0.5, 0.5))
    assert sorted(rows(parts[0]) + rows(parts[1])) == [1, 3, 5, 7]


def test_a_weighted_loader_keeps_its_weights():
    weights = torch.zeros(len(Y))
    weights[Y < 12] = 1
    parts = split(loader(sampler=WeightedRandomSampler(weights.tolist(), 60)), (0.5, 0.5))
    seen = [set(rows(part)) for part in parts]
    assert all(max(part) < 12 for part in seen)
    assert not seen[0] & seen[1]


class Backwards(Sampler):
    def __iter__(self):
        return iter(range(len(Y) - 1, -1, -1))

    def __len__(self):
        return len(Y)


def test_a_sampler_of_ones_own_is_refused_with_the_way_out():
    with pytest.raises(DataError, match=r"Backwards .*Splits"):
        split(loader(sampler=Backwards()), (0.5, 0.5))


def test_a_stream_is_split_by_batch_again_and_again():
    class Counting:
        def __len__(self):
            return 10

        def __iter__(self):
            return iter([torch.full((2,), float(i)) for i in range(10)])

    parts = split(Counting(), (0.7, 0.3))
    assert [len(batches(part)) for part in parts] == [7, 3]
    for _ in range(2):
        seen = [{b[0].item() for b in batches(part).epoch()} for part in parts]
        assert seen[0] | seen[1] == set(range(10))
        assert not seen[0] & seen[1]


def test_a_stream_of_unknown_length_is_split_by_batch():
    for part in split(Epochs(), (0.5, 0.5)):
        with pytest.raises(TypeError):
            len(batches(part))


@pytest.mark.parametrize("fractions", [(), (0.5,), (0.5, 0.6), (1.2, -0.2), (1.0, 0.0)])
def test_fractions_that_make_no_sense_are_quoted(fractions):
    with pytest.raises(DataError, match="fractions are"):
        split((X, Y), fractions)


def test_a_part_without_rows_is_refused():
    with pytest.raises(DataError, match="would be empty"):
        split((X[:2], Y[:2]), (0.9, 0.1))


def test_what_is_no_data_is_refused():
    with pytest.raises(DataError, match="is no data"):
        split(3, (0.5, 0.5))
    assert not isinstance(Stream(), list)
    assert issubclass(Stream, Dataset)
