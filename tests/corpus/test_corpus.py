"""The corpus is what it says: healthy trainings learn, faulty ones do worse than their base."""

import hashlib
import math
import statistics
import warnings

import pytest
import torch

from corpus.bare import score
from corpus.faulty import FAULTY
from corpus.healthy import HEALTHY
from torchclinic import RULES, data, train

EVERY = HEALTHY + FAULTY


def few(entries, count):
    """Some entries, chosen by name."""
    return sorted(entries, key=lambda e: hashlib.sha256(e.name[::-1].encode()).digest())[:count]


def test_the_corpus_is_large_and_names_are_unique():
    assert len(HEALTHY) >= 36
    assert len(FAULTY) >= 60
    assert len({entry.name for entry in EVERY}) == len(EVERY)


@pytest.mark.parametrize("entries", [HEALTHY, FAULTY], ids=["healthy", "faulty"])
def test_the_halves_are_of_like_size(entries):
    share = sum(entry.half == "held_out" for entry in entries) / len(entries)
    assert 0.35 < share < 0.65


def test_expected_codes_exist_and_most_rules_are_asked_for():
    asked = {code for entry in FAULTY for code in entry.expected}
    assert asked <= set(RULES)
    assert all(1 <= len(entry.expected) <= 3 for entry in FAULTY)
    assert {entry.expected[0] for entry in FAULTY} >= {
        "DAT101", "DAT102", "DAT103", "DAT104", "DAT105", "LOS101", "LOS102", "LOS103", "LOS104",
        "LOS105", "LOS106", "LOS107", "WIR101", "WIR102", "WIR103", "WIR104", "WIR105", "WIR106",
        "INI101", "INI102", "INI104", "INI105", "GRD101", "GRD102", "NUM101", "ACT101", "LRN101",
        "LRN102", "REG101", "CRV103",
    }  # fmt: skip


@pytest.mark.parametrize("entry", EVERY, ids=str)
def test_every_recipe_can_be_built(entry):
    recipe = entry.recipe_factory()
    assert data.batches(recipe.splits.train, batch_size=recipe.batch_size).sample(4) is not None
    assert recipe.splits.test is not None
    with torch.random.fork_rng(devices=[]):
        parameters = sum(p.numel() for p in recipe.model().parameters())
    assert 0 < parameters < 3_000_000


def reaches(entry, seeds):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about the faults that were put in
        return [score(entry.recipe_factory(), seed) for seed in seeds]


def does_worse(entry, seeds):
    found = statistics.median(reaches(entry, seeds))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        aim = statistics.median(score(entry.base(), seed) for seed in seeds)
    return found <= aim - entry.harm


@pytest.mark.parametrize("entry", few(HEALTHY, 5), ids=str)
def test_some_healthy_trainings_learn(entry):
    assert min(reaches(entry, (0,))) >= entry.sane


@pytest.mark.parametrize("entry", few(FAULTY, 6), ids=str)
def test_some_faulty_trainings_do_worse_than_their_base(entry):
    assert does_worse(entry, (0,))


@pytest.mark.slow
@pytest.mark.parametrize("entry", HEALTHY, ids=str)
def test_every_healthy_training_learns(entry):
    assert min(reaches(entry, (0, 1, 2))) >= entry.sane


@pytest.mark.slow
@pytest.mark.parametrize("entry", FAULTY, ids=str)
def test_every_faulty_training_does_worse_than_its_base(entry):
    assert does_worse(entry, (0, 1, 2))


@pytest.mark.parametrize(
    "name",
    ["digits-tanh-xavier-sgd", "waves-convolution", "friedman-batchnorm-cosine", "moons-bce"],
)
def test_the_training_part_reaches_what_the_bare_loop_reaches(name):
    entry = next(e for e in HEALTHY if e.name == name)
    run = train(entry.recipe_factory(), 0, test=True)
    last = run.history.last("test")
    assert last is not None
    assert math.isclose(last.metric, reaches(entry, (0,))[0], abs_tol=0.04)
    assert last.metric >= entry.sane
