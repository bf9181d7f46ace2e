"""How training and validation part stand to each other."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, spearmanr
from sklearn.datasets import load_wine
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from torchclinic.clinic.preflight.data.columns import (
    column_order,
    explained,
    joint_likeness,
    leaking,
)
from torchclinic.clinic.preflight.data.neighbours import columns_of, majority, nearest, standardised
from torchclinic.clinic.preflight.data.parts import by_chance, part_facts, rank_correlation, smirnov
from torchclinic.core import Recipe, Splits, TargetFacts

CLASSES, REAL = TargetFacts("classes"), TargetFacts("real")


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def recipe(train, validation=None):
    return Recipe(
        model=partial(nn.Linear, 4, 2),
        data=Splits(train, validation),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=0.1),
        epochs=1,
        batch_size=20,
    )


def clusters(rows, classes=4, seed=0):
    y = torch.arange(rows) % classes
    x = 4 * nn.functional.one_hot(y, 6).float() + drawn(rows, 6, seed=seed)
    return x, y


def wine():
    x, y = load_wine(return_X_y=True)
    x = torch.as_tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
    return x[order], torch.as_tensor(y)[order]


@pytest.mark.parametrize("seed", range(5))
def test_distance_and_ranks_are_scipys(seed):
    one, other = drawn(40, seed=seed).double(), drawn(70, seed=seed + 9).double().round()
    assert smirnov(one, other) == pytest.approx(ks_2samp(one, other).statistic)
    noisy = (one + drawn(40, seed=seed + 3)).round()
    expected = spearmanr(one.numpy(), noisy.numpy()).statistic
    assert rank_correlation(one, noisy) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("distance", [0.2, 0.35, 0.6])
def test_the_bound_on_chance_is_none_that_scipy_exceeds(distance):
    rows = 100
    split = int(distance * rows)
    one, other = np.arange(rows), np.arange(rows) + split - 0.5
    assert by_chance(distance, rows, rows) >= ks_2samp(one, other).pvalue * 0.99


def test_equal_parts_agree_in_everything():
    facts = part_facts(recipe(clusters(400), clusters(120, seed=5)), CLASSES)
    assert facts is not None
    assert facts.train_classes == dict.fromkeys(range(4), 100)
    assert facts.validation_classes == dict.fromkeys(range(4), 30)
    assert facts.agreement is not None
    assert facts.agreement > 0.95
    assert facts.agreement_z is not None
    assert facts.agreement_z > 10
    assert facts.leaks == ()
    assert facts.order == ()


def test_renumbered_classes_show_off_the_diagonal():
    x, y = clusters(120, seed=5)
    facts = part_facts(recipe(clusters(400), (x, (y + 1) % 4)), CLASSES)
    assert facts is not None
    assert facts.agreement is not None
    assert facts.agreement < 0.05
    assert sum(rows for (k, m), rows in facts.confusion.items() if m == (k + 1) % 4) > 110


def test_a_transform_of_the_targets_leaves_their_ranks():
    x, other = drawn(500, 3), drawn(150, 3, seed=1)
    y, z = (part[:, :1] + 0.1 * part[:, 1:2] for part in (x, other))
    facts = part_facts(recipe((x, y), (other, (2 * z).exp() + 5)), REAL)
    assert facts is not None
    assert facts.value_relation is not None
    assert facts.value_relation > 0.9
    assert facts.value_miss_own is not None
    assert facts.value_miss is not None
    assert facts.value_miss > 5 * facts.value_miss_own
    assert facts.said_distance is not None
    assert facts.said_distance < 0.2
    assert facts.target_distance is not None
    assert facts.target_distance > 0.8


class Rows(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, row):
        return self.x[row], self.y[row]


class Streamed(IterableDataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __iter__(self):
        return iter(zip(self.x, self.y, strict=True))


@pytest.mark.parametrize(
    "wrap",
    [TensorDataset, Rows, lambda x, y: DataLoader(TensorDataset(x, y), 16)],
    ids=["tensors", "rows", "loader"],
)
def test_classes_are_counted_in_every_kind_of_data_that_has_an_index(wrap):
    facts = part_facts(recipe(wrap(*clusters(200)), wrap(*clusters(80, 3, seed=2))), CLASSES)
    assert facts is not None
    assert set(facts.train_classes) == {0, 1, 2, 3}
    assert set(facts.validation_classes) == {0, 1, 2}


def test_the_head_of_a_stream_does_not_tell_which_classes_there_are():
    x, y = clusters(400)
    order = y.argsort()
    facts = part_facts(recipe(Streamed(x[order], y[order]), (x, y)), CLASSES)
    assert facts is None or facts.train_classes == {}


def test_nothing_is_asked_of_token_numbers_or_without_a_validation_part():
    x, y = clusters(200)
    tokens = torch.randint(0, 9, (200, 5), generator=torch.Generator().manual_seed(0))
    facts = part_facts(recipe((tokens, y), (tokens, y)), CLASSES)
    assert facts is not None
    assert facts.confusion == {}
    assert part_facts(recipe((x, y)), CLASSES) is None


@pytest.mark.parametrize("seed", range(4))
def test_another_order_of_columns_is_found(seed):
    x, y = wine()
    order = torch.randperm(13, generator=torch.Generator().manual_seed(seed))
    train, other = (x[:110], y[:110].double()), (x[110:][:, order], y[110:].double())
    found = column_order(*train, *other, classes=True)
    assert found is not None
    assert (found == order).double().mean() > 0.9
    before = joint_likeness(train[0], other[0])
    assert before is not None
    assert before.likeness < 0.5 * before.chance
    assert before.z > 6


@pytest.mark.parametrize("seed", range(20))
def test_random_parts_hang_together_alike(seed):
    x, _ = wine()
    x = x[torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))]
    found = joint_likeness(x[:110], x[110:])
    assert found is not None
    assert found.likeness > 0.7 * found.chance


def test_a_column_that_holds_the_target_in_training_alone_is_a_leak():
    x, other = drawn(300, 5), drawn(100, 5, seed=1)
    y, z = x[:, 0].double() + 1, other[:, 0].double() + 1
    x[:, 3], x[:, 0], other[:, 0] = y.float(), drawn(300, seed=3), drawn(100, seed=4)
    found = leaking(x, y, other, z, classes=False)
    assert found["leaks"] == (3,)
    assert found["leak_train"] == pytest.approx(1.0)
    assert leaking(x, y, x[:100], y[:100], classes=False) == {}


@pytest.mark.parametrize("seed", range(20))
def test_one_odd_row_is_no_leak(seed):
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand(40, 200, generator=generator) < 0.03).float()
    other = (torch.rand(300, 200, generator=generator) < 0.03).float()
    y = torch.randint(0, 5, (40,), generator=generator).double()
    z = torch.randint(0, 5, (300,), generator=generator).double()
    assert leaking(x, y, other, z, classes=True) == {}


def test_shares_of_variance_lie_between_none_and_all():
    x = drawn(200, 3)
    y = (x[:, 0] > 0).double()
    x[:, 1] = y.float()
    found = explained(x, y, classes=True)
    assert found[1] == pytest.approx(1.0)
    assert 0.5 < found[0] < 0.75  # 2 / pi of a normal variable's variance is its sign's
    assert found[2] < 0.05


def test_long_rows_are_thinned_evenly_and_constant_columns_left_out():
    x = torch.arange(20.0).reshape(2, 10)
    assert columns_of(x, most=5).tolist() == [[0, 2, 4, 6, 8], [10, 12, 14, 16, 18]]
    kept, other = standardised(torch.tensor([[1.0, 2.0], [1.0, 4.0]]), torch.tensor([[9.0, 3.0]]))
    assert kept.shape == (2, 1)
    assert other is not None
    assert other.tolist() == [[0.0]]


def test_the_majority_of_neighbours_and_the_nearest_among_equals():
    assert majority(torch.tensor([[2, 1, 1, 2, 3], [0, 0, 0, 1, 1]])).tolist() == [2, 0]
    rows = torch.arange(12.0)[:, None]
    assert nearest(rows / 12)[0].tolist() == [1, 2, 3, 4, 5]
