"""What the training rows are like, one by one."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader, Dataset

from torchclinic.clinic.preflight.data.extremes import extreme_values
from torchclinic.clinic.preflight.data.labels import label_facts
from torchclinic.clinic.preflight.data.rereading import reread
from torchclinic.clinic.preflight.data.rows import row_facts
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


class Handed(Dataset):
    """Rows on which `change` is called before they are handed out."""

    def __init__(self, change, rows=100):
        self.x, self.y, self.change = drawn(rows, 6), torch.arange(rows) % 2, change

    def __len__(self):
        return len(self.x)

    def __getitem__(self, row):
        return self.change(self.x[row]), self.y[row]


OWN = np.random.default_rng(0)
IN_PLACE = {
    "divided": lambda x: x.div_(3),
    "multiplied": lambda x: x.mul_(1.5),
    "offset": lambda x: x.sub_(9),
}
AS_IT_SHOULD = {
    "plain": lambda x: x,
    "copied": lambda x: x / 3,
    "noised": lambda x: x + torch.randn_like(x),
    "scaled at random": lambda x: x * torch.rand(()),
    "turned": lambda x: x.flip(0) if torch.rand(()) < 0.5 else x,
    "signs in place": lambda x: x.neg_(),
    "own generator": lambda x: x + float(OWN.normal()),
}


@pytest.mark.parametrize("change", IN_PLACE.values(), ids=IN_PLACE)
@pytest.mark.parametrize("loaded", [False, True])
def test_rows_that_are_changed_in_place_go_one_way(change, loaded):
    data = Handed(change)
    found = reread(DataLoader(data, 10) if loaded else data)
    assert found is not None
    assert len(found.sizes) == 4
    assert sorted(found.sizes, reverse=found.sizes[0] > found.sizes[1]) == list(found.sizes)


@pytest.mark.parametrize("change", AS_IT_SHOULD.values(), ids=AS_IT_SHOULD)
def test_other_rows_do_not(change):
    found = reread(Handed(change))
    assert found is not None
    assert found.sizes == ()


def test_noise_is_measured_with_its_variance():
    found = reread(Handed(lambda x: x + 3 * torch.randn_like(x), rows=400))
    assert found is not None
    assert found.noise == pytest.approx(9.0, rel=0.3)
    assert found.variance == pytest.approx(10.0, rel=0.3)
    assert reread(Handed(lambda x: x)).noise == 0  # pyright: ignore[reportOptionalMemberAccess]


def test_looking_draws_no_random_numbers_and_needs_rows():
    before = torch.random.get_rng_state()
    reread(Handed(lambda x: x + torch.randn_like(x)))
    assert bool((torch.random.get_rng_state() == before).all())
    assert reread((drawn(9, 2), drawn(9))) is None
    assert reread([(drawn(9, 2), drawn(9))]) is None


def test_the_best_possible_accuracy_is_counted_by_hand():
    x = torch.tensor([[0.0, 0.0]] * 6 + [[1.0, 0.0]] * 3 + [[2.0, 5.0]])
    y = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1, 0, 2])
    facts = row_facts(recipe((x, y)), CLASSES)
    assert facts is not None
    assert (facts.rows, facts.distinct, facts.elements, facts.values) == (10, 3, 2, 4)
    assert facts.commonest == pytest.approx(0.6)
    assert facts.repeated == pytest.approx(0.9)
    assert facts.ceiling == pytest.approx((4 + 2 + 1) / 10)
    assert facts.ceiling_base == pytest.approx(0.5)


def test_different_rows_allow_everything_and_one_hot_rows_are_known():
    facts = row_facts(recipe((drawn(200, 4), torch.arange(200) % 2)), CLASSES)
    assert facts is not None
    assert facts.ceiling == 1.0
    assert not facts.coded
    hot = nn.functional.one_hot(torch.arange(200) % 7).float()
    facts = row_facts(recipe((hot, torch.arange(200) % 2)), CLASSES)
    assert facts is not None
    assert facts.coded


@pytest.mark.parametrize("value", [9999.0, -999.0, 1e6])
@pytest.mark.parametrize("every", [50, 99])
def test_a_code_among_the_targets_is_found(value, every):
    targets = drawn(800)
    targets[::every] = value
    found = extreme_values(targets)
    assert found is not None
    assert found.value == value
    assert found.repeats == found.rows == len(targets[::every])
    assert found.weight > 0.9


HEAVY = {
    "normal": lambda z: z,
    "lognormal": lambda z: z.exp(),
    "wide lognormal": lambda z: (2 * z).exp(),
    "cubes": lambda z: z**3,
    "uniform": lambda z: z.sigmoid(),
    "whole": lambda z: z.round(),
}


@pytest.mark.parametrize("tail", HEAVY.values(), ids=HEAVY)
@pytest.mark.parametrize("seed", range(10))
def test_a_heavy_tail_has_no_gap(tail, seed):
    assert extreme_values(tail(drawn(800, seed=seed))) is None


def test_too_few_or_equal_targets_have_no_extreme():
    assert extreme_values(torch.zeros(100)) is None
    assert extreme_values(torch.tensor([0.0, 1.0, 500.0])) is None
    assert extreme_values(None) is None


def test_an_order_and_names_are_told_apart():
    generator = torch.Generator().manual_seed(2)
    y = torch.randint(0, 8, (900,), generator=generator)
    ordered = y[:, None] + 0.8 * drawn(900, 1)
    names = 2.2 * nn.functional.one_hot(y[y.sort().values.argsort()], 8) + drawn(900, 8, seed=3)
    for x, low in ((ordered, True), (names.float(), False)):
        facts = label_facts(recipe((x, y.float())), REAL)
        assert facts is not None
        assert facts.whole == 8
        assert facts.pairs > 100
        assert facts.order_chance is not None
        assert (facts.order_chance < 0.01) is low
