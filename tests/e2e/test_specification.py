"""Every failing training of the specification is diagnosed and repaired."""

import os

import pytest

import torchclinic as tc
from corpus import faulty
from corpus.register import FAULTY
from torchclinic.core import Outcome
from torchclinic.gallery.sigmoid_paralysis import recipe as paralysed

SPEC = [entry for entry in FAULTY if entry.spec]
assert faulty

# Scores into NLLLoss for one short epoch: the accuracy does not suffer yet, so nothing can be won.
NOT_HARMED_YET = {"spec-nll-on-scores"}


def test_the_specification_is_covered():
    names = " ".join(entry.name for entry in SPEC)
    for word in ("depth-3", "depth-10", "depth-30", "normal-1", "normal-tenth", "noisy-line"):
        assert word in names
    for word in ("killed", "too-small", "too-large", "raw-pixels"):
        assert word in names


@pytest.mark.slow
@pytest.mark.parametrize("entry", SPEC, ids=str)
def test_it_is_diagnosed_and_repaired(entry):
    repair = tc.repair(entry.recipe_factory(), budget=20)  # the same on every machine
    assert repair.diagnosis.root is not None, repair.diagnosis
    assert repair.diagnosis.root.code in entry.expected, str(repair.diagnosis)
    if entry.name not in NOT_HARMED_YET:
        assert repair.verdict.outcome in (Outcome.REPAIRED, Outcome.IMPROVED), str(repair)


@pytest.mark.slow
def test_the_demo_reaches_its_figures_on_digits():
    repair = tc.repair(paralysed(), budget=20)
    assert repair.diagnosis.root.code == "GRD101"
    comparison = repair.verdict.comparison
    assert repair.verdict.outcome is Outcome.REPAIRED
    assert sum(comparison.before) / 6 < 0.2
    assert sum(comparison.after) / 6 >= 0.95


@pytest.mark.slow
@pytest.mark.skipif("TORCHCLINIC_DATA" not in os.environ, reason="needs MNIST's IDX files")
def test_the_demo_reaches_its_figures_on_mnist():
    repair = tc.repair(paralysed("mnist"), budget=3)
    assert repair.diagnosis.root.code == "GRD101"
    comparison = repair.verdict.comparison
    assert repair.verdict.outcome is Outcome.REPAIRED
    assert sum(comparison.after) / 6 >= 0.97
