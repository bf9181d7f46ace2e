import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import (
    DataLoader,
    Dataset,
    WeightedRandomSampler,
)

from data.sources import ROWS, SOURCES, Epochs, Noisy, Squares, Stream, X, Y, gen, loader
from torchclinic.core import DataError
from torchclinic.data import Batches, batches, count_rows
from torchclinic.data import stream_batches as streams


@pytest.fixture(params=list(SOURCES))
def source(request):
    return SOURCES[request.param]()


def labels(data, generator=None):
    return [y.tolist() for _, y in data.epoch(generator)]


def flat(batch_lists):
    return [row for batch in batch_lists for row in batch]


def test_every_source_delivers_each_row_once(source):
    data = batches(source, batch_size=5, shuffle=True)
    assert isinstance(data, Batches)
    seen = labels(data, gen())
    assert sorted(flat(seen)) == list(range(ROWS))
    assert [len(batch) for batch in seen] == [5, 5, 5, 5, 3]


def test_the_generator_alone_decides_the_order(source):
    data = batches(source, batch_size=5, shuffle=True)

    def epoch(seed, noise):
        torch.manual_seed(noise)
        np.random.seed(noise)
        random.seed(noise)
        return [(x.tolist(), y.tolist()) for x, y in data.epoch(gen(seed))]

    assert epoch(1, noise=10) == epoch(1, noise=11)


def test_global_generators_are_left_alone(source):
    data = batches(source, batch_size=5, shuffle=True)
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    iterator = data.epoch(gen())
    next(iterator)
    next(iterator)
    iterator.close()
    data.sample(7)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()
    assert before[2] == random.getstate()


def test_len_counts_the_batches_or_refuses(source):
    data = batches(source, batch_size=5)
    try:
        assert len(data) == len(labels(data))
    except TypeError:
        assert isinstance(source, Epochs | Stream)


def test_rows_are_counted_or_unknown(source):
    rows = count_rows(source)
    assert rows == ROWS or (rows is None and isinstance(source, Epochs | Stream))


def test_sample_is_repeatable_and_shaped_like_a_batch(source):
    data = batches(source, batch_size=5)
    x, y = data.sample(9)
    again = data.sample(9)
    assert (x.shape, y.shape) == ((9, 2), (9,))
    assert torch.equal(x, again[0])
    assert torch.equal(y, again[1])
    assert len(set(y.tolist())) == 9
    assert len(data.sample(1000)[1]) == ROWS


@given(st.integers(1, 60), st.integers(1, 70), st.booleans())
def test_tensor_batches_partition_the_rows(rows, batch_size, shuffle):
    data = batches((torch.arange(rows),), batch_size=batch_size, shuffle=shuffle)
    seen = [batch[0] for batch in data.epoch(gen(rows))]
    assert len(seen) == len(data) == -(-rows // batch_size)
    assert sorted(torch.cat(seen).tolist()) == list(range(rows))
    assert all(len(batch) == batch_size for batch in seen[:-1])


def test_shuffling_differs_by_epoch_and_by_seed():
    data = batches((X, Y), batch_size=5, shuffle=True)
    generator = gen(1)
    first, second = labels(data, generator), labels(data, generator)
    assert first != second
    assert labels(data, gen(2)) != first == labels(data, gen(1))


def test_rows_stay_together_when_shuffled():
    data = batches({"x": X, "more": (Y, {"z": Y * 2})}, batch_size=4, shuffle=True)
    for batch in data.epoch(gen()):
        assert torch.equal(batch["x"][:, 0], 2.0 * batch["more"][0])
        assert torch.equal(batch["more"][1]["z"], 2 * batch["more"][0])


def test_batches_in_order_are_views_of_the_data():
    data = batches((X, Y), batch_size=5)
    assert next(data.epoch())[0].data_ptr() == X.data_ptr()


def test_a_training_that_changes_its_inputs_in_place_is_told():
    data = batches((X.clone(), Y), batch_size=5)
    iterator = data.epoch()
    next(iterator)[0].add_(1)
    with pytest.raises(DataError, match="in place"):
        next(iterator)


def test_no_batch_size_means_one_batch():
    assert [len(y) for _, y in batches((X, Y), batch_size=None).epoch()] == [ROWS]
    assert [len(y) for _, y in batches(Squares(), batch_size=None).epoch()] == [ROWS]


def test_a_sample_does_not_fall_into_step_with_periodic_labels():
    y = torch.arange(1000) % 10
    assert len(set(batches((y,)).sample(100)[0].tolist())) == 10


def test_a_sample_of_sorted_rows_has_all_classes():
    y = torch.arange(1000) // 100
    assert batches((y,)).sample(50)[0].bincount().tolist() == [5] * 10


def test_augmentation_is_random_again_in_each_epoch():
    data = batches(Noisy(), batch_size=5)
    generator = gen(4)
    first, second = (next(data.epoch(generator))[0] for _ in "ab")
    assert not torch.equal(first, second)


def test_a_loader_keeps_its_generator_and_its_batch_size():
    own = gen(99)
    mine = loader(shuffle=True, generator=own)
    state = own.get_state()
    assert [len(y) for _, y in batches(mine, batch_size=2).epoch(gen())] == [5, 5, 5, 5, 3]
    assert mine.generator is own
    assert mine.sampler.generator is own
    assert torch.equal(own.get_state(), state)


def test_interleaved_epochs_of_one_loader_do_not_disturb_each_other():
    shared = loader(shuffle=True)
    data = batches(shared)
    alone = labels(data, gen(1)), labels(data, gen(2))
    mixed = list(zip(data.epoch(gen(1)), data.epoch(gen(2)), strict=True))
    assert [a[1].tolist() for a, _ in mixed] == alone[0]
    assert [b[1].tolist() for _, b in mixed] == alone[1]


def test_a_loader_with_weights_is_sampled_over_what_it_visits():
    weights = torch.zeros(ROWS)
    weights[:4] = 1
    weighted = loader(sampler=WeightedRandomSampler(weights.tolist(), 50))
    assert set(batches(weighted).sample(100)[1].tolist()) <= {0, 1, 2, 3}


def test_a_generator_is_read_once_and_remembered():
    reads = []

    def once():
        reads.append(1)
        yield X, Y

    one_shot = once()
    assert labels(batches(one_shot)) == labels(batches(one_shot)) == [Y.tolist()]
    assert reads == [1]


def test_an_endless_generator_is_stopped(monkeypatch):
    monkeypatch.setattr(streams, "MATERIALISED_BYTES", 1000)

    def endless():
        while True:
            yield X, Y

    with pytest.raises(DataError, match="and goes on"):
        batches(endless())


class Broken(Squares):
    def __getitem__(self, row):
        raise KeyError(f"row {row}")


class Ragged(Squares):
    def __getitem__(self, row):
        return torch.zeros(row + 1)


class NoLength(Dataset):
    def __getitem__(self, row):
        return X[row]


class Empty:
    def __iter__(self):
        return iter(())


BAD = {
    "nothing": (None, "None of type NoneType is no data"),
    "number": (7, "7 of type int"),
    "text": ("mnist", "'mnist' of type str"),
    "rows disagree": ((X, Y[:5]), r"\[23, 5\]"),
    "zero rows": ((X[:0], Y[:0]), "0 rows"),
    "no tensor": ((), "no tensor"),
    "scalar": (torch.tensor(1.0), "without dimensions"),
    "words": (np.array(["a", "b"]), "<U1"),
    "empty list": ([], "holds no batch"),
    "list of numbers": ([1, 2], "1 of type int"),
    "list for a tuple": ([X, Y], "write tensors in memory as a tuple"),
    "spent generator": ((batch for batch in ()), "is empty"),
    "no length": (NoLength(), "has no length"),
    "loader without batch": (
        DataLoader(Squares(), batch_size=50, drop_last=True),
        "drop_last=True",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_sources_are_refused_at_once(case):
    bad, words = BAD[case]
    with pytest.raises(DataError, match=words):
        batches(bad)


LATE = {
    "broken row": (Broken(), "KeyError"),
    "broken row in a loader": (DataLoader(Broken()), "KeyError"),
    "ragged": (Ragged(), "cannot be made into a batch"),
    "empty iterable": (Empty(), "delivered no batch"),
    "words": (type("Words", (), {"__iter__": lambda _: iter("ab")})(), "'a' of type str"),
    "no rows": (type("None_", (), {"__iter__": lambda _: iter([X[:0]])})(), "0 rows"),
}


@pytest.mark.parametrize("case", LATE)
def test_bad_rows_are_reported_when_they_are_met(case):
    bad, words = LATE[case]
    with pytest.raises(DataError, match=words):
        list(batches(bad, batch_size=4).epoch(gen()))


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "8"])
def test_bad_batch_sizes_are_quoted(size):
    with pytest.raises(DataError, match=f"batch_size is {size!r}"):
        batches((X, Y), batch_size=size)
