"""How targets stand to inputs, in which order they come, and what a model answers by class."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

from torchclinic.clinic.answers import answers
from torchclinic.clinic.preflight.data.labels import label_facts
from torchclinic.clinic.preflight.data.likeness import likeness
from torchclinic.clinic.preflight.data.mixing import mixing
from torchclinic.core import BatchFacts, Case, InputFacts, Recipe, Splits, TargetFacts

CLASSES = TargetFacts("classes")


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def recipe(data, **fields):
    fields = {"loss": nn.CrossEntropyLoss(), "batch_size": 20, "epochs": 1, **fields}
    return Recipe(
        model=partial(nn.Linear, 3, 2), data=data, optimizer=partial(SGD, lr=0.1), **fields
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(100, 300), st.integers(1, 6), st.integers(0, 10**6))
def test_likeness_is_what_scikit_learn_counts(rows, features, seed):
    x = drawn(rows, features, seed=seed)
    y = (x[:, 0] + 0.3 * drawn(rows, seed=seed + 1) > 0).long()
    found = likeness(x, y)
    assert found is not None
    z = ((x - x.mean(0)) / x.std(0)).numpy()
    near = NearestNeighbors(n_neighbors=6).fit(z).kneighbors(z)[1][:, 1:]
    assert found[0] == pytest.approx((y[near] == y[:, None]).double().mean().item(), abs=0.01)


@pytest.mark.parametrize("seed", range(8))
def test_strangers_are_within_chance_and_friends_far_beyond(seed):
    x = drawn(400, 5, seed=seed)
    for y in ((x[:, 0] > 0).long(), x[:, 0] + x[:, 1] ** 2):
        friends = likeness(x, y)
        assert friends is not None
        assert friends[2] > 10
        order = torch.randperm(400, generator=torch.Generator().manual_seed(seed))
        strangers = likeness(x, y[order])
        assert strangers is not None
        assert abs(strangers[2]) < 4


def test_likeness_does_not_depend_on_scale_or_on_what_does_not_vary():
    x = drawn(200, 3)
    y = (x[:, 1] > 0).long()
    scaled = torch.cat((x * torch.tensor([1.0, 1e4, 1e-4]) + 7, torch.ones(200, 2)), 1)
    plain, other = likeness(x, y), likeness(scaled, y)
    assert plain is not None
    assert other == pytest.approx(plain, rel=0.02)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (drawn(20, 3), torch.arange(20) % 2),  # too few
        (drawn(200, 3), torch.zeros(200).long()),  # one class
        (torch.ones(200, 3), torch.arange(200) % 2),  # nothing varies
    ],
)
def test_where_it_cannot_be_told_nothing_is_said(x, y):
    assert likeness(x, y) is None


def test_mixing_tells_sorted_from_shuffled():
    x, y = drawn(400, 3), torch.arange(400) // 200
    assert mixing(recipe((x, y)), y) == pytest.approx(1.0, abs=0.1)
    assert mixing(recipe((x, y), shuffle=False), y) < 0.1
    loader = DataLoader(TensorDataset(x, y), batch_size=20)
    assert mixing(recipe(loader), y) < 0.1
    assert mixing(recipe((x, y), shuffle=False, batch_size=None), y) is None  # one batch
    once = ((x[i : i + 20], y[i : i + 20]) for i in range(0, 400, 20))
    assert mixing(recipe(once), y) is None  # looking would use it up
    assert len(list(once)) == 20


def test_small_batches_of_many_classes_are_no_fault():
    x, y = drawn(300, 3), torch.randint(0, 50, (300,), generator=torch.Generator().manual_seed(0))
    assert mixing(recipe((x, y), batch_size=2, shuffle=False), y) > 0.8


def test_targets_that_are_no_classes_have_no_mixing():
    x = drawn(300, 3)
    found = label_facts(recipe((x, x[:, :1]), loss=nn.MSELoss()), TargetFacts("real"))
    assert found is not None
    assert found.mixing is None
    assert found.z > 10
    assert label_facts(recipe((x, x)), TargetFacts("none")) is None


def test_looking_draws_nothing_from_the_global_generators():
    x, y = drawn(300, 3), torch.arange(300) % 2
    before = torch.get_rng_state()
    label_facts(recipe((x, y)), CLASSES)
    assert torch.equal(torch.get_rng_state(), before)


def asked(model, y, kind="classes", loss=None):
    x = drawn(len(y), 3)
    made = recipe(Splits((x, y), validation=(x, y)), loss=loss or nn.CrossEntropyLoss())
    case = Case(batch=BatchFacts(InputFacts("real"), TargetFacts(kind)))
    return answers(made, model, case)


class Says(nn.Module):
    """Gives the same scores for every row."""

    def __init__(self, *scores):
        super().__init__()
        self.scores = torch.tensor(scores)

    def forward(self, x):
        return self.scores.expand(len(x), -1)


def test_answers_are_counted_by_class():
    y = torch.tensor([0] * 30 + [1] * 10)
    found = asked(Says(1.0, 0.0), y)
    assert found.counts == {0: 30, 1: 10}
    assert found.predicted == {0: 40}
    assert found.recalls == {0: 1.0, 1: 0.0}


@pytest.mark.parametrize(("loss", "yes"), [(nn.BCEWithLogitsLoss(), 0.1), (nn.BCELoss(), 0.6)])
def test_a_single_score_is_a_yes_or_no(loss, yes):
    y = torch.tensor([0.0] * 30 + [1.0] * 10)[:, None]
    found = asked(Says(yes), y, "binary", loss)
    assert found.recalls == {0: 0.0, 1: 1.0}


def test_without_one_class_a_row_there_are_no_answers():
    assert asked(Says(1.0), drawn(20, 1), "real", nn.MSELoss()) is None
    assert asked(Says(1.0, 2.0), torch.zeros(20, 4).long()) is None
