"""The run once more on half of the training rows, and what it knows of the other half."""

from functools import partial

import pytest
import torch
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset, TensorDataset

from corpus import nets, tasks
from corpus.nets import mlp
from corpus.recipes import classify, regress
from torchclinic import diagnose
from torchclinic.clinic.afterwards.trials.halving import halves_of
from torchclinic.clinic.preflight.data.plain_relation import plain_relation
from torchclinic.clinic.preflight.data.points import nearest_distance, points_of
from torchclinic.core import Level, Recipe, Splits


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def loud(diagnosis):
    return [f.code for f in diagnosis.findings if f.level is not Level.INFO]


# --- the halves -----------------------------------------------------------------------------
X = torch.randn(240, 6, generator=drawn())
Y = (X[:, 0] > 0).long()
VALIDATION = (X[200:], Y[200:])


class Rows(Dataset):
    def __len__(self):
        return 200

    def __getitem__(self, place):
        return X[place], Y[place]


def halves(train, validation=VALIDATION):
    plain = {"model": partial(mlp, [6, 2]), "loss": torch.nn.CrossEntropyLoss(), "epochs": 1}
    return halves_of(
        Recipe(data=Splits(train, validation), optimizer=partial(Adam, lr=0.1), **plain)
    )


SOURCES = {
    "tensors": lambda: (X[:200], Y[:200]),
    "data set of tensors": lambda: TensorDataset(X[:200], Y[:200]),
    "data set": Rows,
    "loader": lambda: DataLoader(Rows(), batch_size=16, shuffle=True),
}


def rows_of_part(part):
    if isinstance(part, tuple):
        return part[0]
    data = part.dataset if isinstance(part, DataLoader) else part
    return torch.stack([data[k][0] for k in range(len(data))])


@pytest.mark.parametrize("kind", SOURCES)
def test_the_second_half_holds_none_of_the_first(kind):
    found = halves(SOURCES[kind]())
    first, second = rows_of_part(found.first), found.second[0]
    assert len(first) in {100, 101}
    assert 40 <= len(second) <= 100
    assert float(torch.cdist(first, second).min()) > 0
    both = torch.cat([first, second])
    assert all(bool((X[:200] == row).all(1).any()) for row in both)


def test_rows_that_follow_each_other_stay_together_class_by_class():
    first = halves((X[:200], Y[:200])).first
    for label in (0, 1):
        members = X[:200][Y[:200] == label]
        assert torch.equal(first[0][first[1] == label], members[: (len(members) + 1) // 2])


def test_near_copies_of_known_rows_are_not_asked_about():
    x = torch.cat([X[:100], X[:30] + 1e-3, X[130:200]])
    value = X[:200, :1]
    asked = halves((x, value), (X[200:], X[200:, :1])).second[0]
    assert float(torch.cdist(asked, X[:30]).min()) > 0.01
    assert 40 <= len(asked) <= 70


def test_a_part_of_copies_cannot_be_halved():
    x, y = X[:50].repeat(4, 1), Y[:50].repeat(4)
    order = torch.randperm(200, generator=drawn(1))
    assert halves((x[order], y[order])) is None


def test_few_rows_are_not_halved():
    assert halves((X[:60], Y[:60])) is None


# --- points and plain models ----------------------------------------------------------------
def test_words_are_points_by_how_often_they_occur():
    one, other = points_of(torch.tensor([[1, 1, 2]]), torch.tensor([[2, 1, 1]]))
    assert torch.equal(one, torch.tensor([[1.0, 0, 1, 0, 0, 1]]))  # few words: by their place
    assert float(nearest_distance(one, other)) == pytest.approx(2.0)
    many = torch.arange(200).reshape(2, 100)
    (first,) = points_of(many)
    (turned,) = points_of(many.flip(1))
    assert torch.equal(first, turned)  # many words: in any order


def test_parts_of_other_shapes_have_no_points_in_common():
    assert points_of(torch.zeros(4, 3), torch.zeros(4, 5)) is None
    assert points_of(torch.zeros(4), torch.zeros(4)) is None
    assert points_of(torch.zeros(4, 3, dtype=torch.long), torch.zeros(4, 3)) is None
    assert points_of(torch.zeros(4, 3), None) is None


def test_a_plain_model_finds_what_there_is_and_nothing_in_noise():
    x = torch.randn(300, 8, generator=drawn(2))
    noise = torch.randn(300, generator=drawn(3))
    known, z = plain_relation(x, (x[:, 0] + 0.3 * noise).double(), classes=False)
    assert known > 0.7
    assert z > 8
    _, chance = plain_relation(x, noise.double(), classes=False)
    assert abs(chance) < 4
    circle, z = plain_relation(x[:, :2], (x[:, :2].norm(dim=1) > 1.2).double(), classes=True)
    assert circle > 0.6  # no line tells these apart, neighbours do
    assert z > 6
    assert plain_relation(x[:20], x[:20, 0].double(), classes=False) is None
    assert plain_relation(x, torch.zeros(300).double(), classes=True) is None


# --- whole diagnoses ------------------------------------------------------------------------
def test_a_vocabulary_made_anew_for_validation_is_named_first():
    order = torch.randperm(120, generator=drawn(3))
    data = tasks.with_validation(tasks.texts(700), 0.25)
    data = tasks.changed(data, lambda x: order[x], parts=("validation", "test"))
    model = partial(nets.TextBag, 120, 16, 3)
    diagnosis = diagnose(classify(model, data, partial(Adam, lr=1e-2), epochs=8))
    assert loud(diagnosis) == ["DAT119"]
    halves = diagnosis.case.halves
    assert halves.rows > 200
    assert halves.within_z > 5


def categories(rows, seed, *, anew):
    kinds = torch.randint(0, 8, (rows, 4), generator=drawn(seed))
    effects = torch.randn(4, 8, generator=drawn(77))
    y = sum(effects[k][kinds[:, k]] for k in range(4)) / 2
    if anew:
        tables = [torch.randperm(8, generator=drawn(90 + k)) for k in range(4)]
        kinds = torch.stack([table[kinds[:, k]] for k, table in enumerate(tables)], 1)
    noise = 0.2 * torch.randn(rows, generator=drawn(seed + 1))
    return torch.nn.functional.one_hot(kinds, 8).flatten(1).float(), (y + noise)[:, None]


def test_categories_numbered_anew_are_named_in_a_regression():
    for anew, said in ((True, ["DAT119"]), (False, [])):
        data = Splits(categories(700, 1, anew=False), categories(200, 3, anew=anew))
        recipe = regress(partial(mlp, [32, 48, 1]), data, partial(Adam, lr=3e-3), epochs=15)
        diagnosis = diagnose(recipe)
        assert loud(diagnosis) == said
        assert (diagnosis.case.halves is None) is not anew  # trained again only with a reason


def test_rare_words_are_learnt_by_heart_and_mean_the_same_in_validation():
    data = tasks.with_validation(tasks.texts(400, vocabulary=3000))
    model = partial(nets.TextBag, 3000, 16, 3)
    diagnosis = diagnose(classify(model, data, partial(Adam, lr=1e-2), epochs=15))
    assert diagnosis.case.halves is not None
    assert loud(diagnosis) == ["CRV103"]
