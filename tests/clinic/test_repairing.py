"""repair(): repairs what is sick, leaves what is healthy, keeps its budget, and is repeatable."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam

import torchclinic as tc
from torchclinic.core import Outcome, UsageError


def net():
    return nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))


def moons_recipe(**fields):
    return tc.Recipe(
        **{
            "name": "moons",
            "model": net,
            "loss": nn.CrossEntropyLoss(),
            "optimizer": partial(SGD, lr=1e-5),
            "data": tc.data.moons(),
            "batch_size": 32,
            "epochs": 12,
            "metric": "accuracy",
            **fields,
        }
    )


@pytest.fixture(scope="module")
def repaired():
    return tc.repair(moons_recipe(), budget=8)


def test_a_rate_far_too_small_is_repaired(repaired):
    assert repaired.diagnosis.root.code in ("LRN101", "LRN102")
    assert repaired.verdict.outcome is Outcome.REPAIRED, repaired.verdict
    comparison = repaired.verdict.comparison
    assert len(comparison.seeds) == 6
    assert comparison.low > 0
    assert comparison.p_value == pytest.approx(2 / 64)
    assert min(comparison.after) > 0.85


def test_the_budget_is_a_bound(repaired):
    assert 0 < repaired.cost.search_trainings <= 8.0
    assert repaired.cost.proof_trainings == 12


def test_controls_ran_and_lost(repaired):
    kinds = {arm.kind: arm for arm in repaired.arms}
    assert {"faulty", "candidate", "random", "re-run"} <= set(kinds)
    chosen = next(arm for arm in repaired.arms if arm.chosen)
    for control in ("faulty", "re-run"):
        assert max(kinds[control].scores) < min(chosen.scores)
    draws = kinds["random"].scores
    assert len(draws) >= 3
    assert sum(draws) / len(draws) < sum(chosen.scores) / len(chosen.scores)


def test_the_arms_run_on_another_engine_with_the_same_outcome(repaired):
    other = tc.repair(moons_recipe(), budget=8, engine="stacked")
    assert other.verdict.outcome is repaired.verdict.outcome
    assert other.verdict.comparison.before == pytest.approx(repaired.verdict.comparison.before)


def test_the_result_can_be_used(repaired):
    assert len(repaired.recipe.splits.train[0]) == len(moons_recipe().splits.train[0])
    assert repaired.recipe.changes == repaired.changes
    compile(repaired.patch, "patch", "exec")
    run = tc.train(repaired.recipe, 11, test=True)
    assert run.history.last("test").metric > 0.85


def test_the_repaired_training_is_looked_at_again(repaired):
    assert repaired.remaining is not None
    assert repaired.diagnosis.root.code not in {
        f.code for f in repaired.remaining if f.level is not tc.Level.INFO
    }


def test_it_says_the_same_again(repaired):
    again = tc.repair(moons_recipe(), budget=8)
    assert again.verdict.comparison == repaired.verdict.comparison
    assert again.changes == repaired.changes
    assert [arm.scores for arm in again.arms] == [arm.scores for arm in repaired.arms]


def test_a_healthy_training_is_left_alone():
    recipe = moons_recipe(optimizer=partial(Adam, lr=1e-2))
    result = tc.repair(recipe)
    assert result.verdict.outcome is Outcome.HEALTHY, result.diagnosis
    assert result.recipe is recipe
    assert result.patch == ""
    assert result.arms == ()


def test_labels_that_say_nothing_are_not_repaired():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 2, generator=generator)
    y = torch.randint(0, 2, (400,), generator=generator)
    data = tc.Splits(train=(x[:300], y[:300]), test=(x[300:], y[300:]))
    recipe = moons_recipe(data=data, optimizer=partial(SGD, lr=0.1))
    result = tc.repair(recipe, budget=4)
    assert result.verdict.outcome is not Outcome.REPAIRED
    if result.verdict.outcome is not Outcome.IMPROVED:
        assert result.recipe is recipe


def test_global_random_states_are_left_alone():
    torch.manual_seed(3)
    expected = torch.get_rng_state()
    tc.diagnose(moons_recipe(epochs=2))
    assert torch.equal(torch.get_rng_state(), expected)


@pytest.mark.parametrize(
    "fields",
    [
        {"budget": "lots"},
        {"budget": -1},
        {"seeds": 1},
        {"engine": "steam"},
        {"address": "somewhere:1"},
    ],
)
def test_nonsense_is_refused_before_the_work(fields):
    with pytest.raises(UsageError):
        tc.repair(moons_recipe(), **fields)


def test_diagnose_refuses_what_it_cannot_judge():
    with pytest.raises(UsageError, match="Sequential"):
        tc.diagnose(net())
    with pytest.raises(UsageError, match="share"):
        tc.diagnose(moons_recipe(), share=0.0)


def test_a_part_of_the_training_is_said_to_be_one():
    diagnosis = tc.diagnose(moons_recipe(epochs=100), share=0.2)
    assert any("20%" in note for note in diagnosis.notes)
