"""Models that are kept are those that the training ends with, on every engine."""

import pytest
import torch
from torch import nn
from torch.optim import SGD

from torchclinic.core import EarlyStopping, Recipe, Splits
from torchclinic.engine import run_arms
from torchclinic.training import train

ENGINES = [("sequential", 1), ("sequential", 2), ("stacked", 1), ("stacked", 2)]


def rows(count, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 4, generator=generator)
    return x, (x.sum(1) > 0).long()


def recipe(width, **fields):
    def net():  # a closure, which no pickle could carry
        return nn.Sequential(
            nn.Linear(4, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.1),
            nn.Linear(width, 2),
        )  # fmt: skip

    given = {
        "model": net, "data": Splits(rows(64, 0), rows(32, 1), rows(32, 2)), "batch_size": 16,
        "loss": nn.CrossEntropyLoss(), "optimizer": lambda p: SGD(p, lr=0.3), "epochs": 6,
    }  # fmt: skip
    return Recipe(**(given | fields))


ARMS = {
    "plain": recipe(8),
    "best": recipe(8, keep_best=True),
    "stopped": recipe(8, early_stopping=EarlyStopping(patience=1)),
}


@pytest.mark.parametrize(("engine", "parallel"), ENGINES)
def test_a_kept_model_is_the_one_that_a_run_alone_ends_with(engine, parallel):
    seen = []
    how = {"engine": engine, "parallel": parallel, "test": True, "on_result": seen.append}
    found = run_arms(ARMS, (0, 1), keep_models=True, **how)
    for arm, runs in found.items():
        for result in runs:
            expected = train(ARMS[arm], result.seed, test=True, keep_model=True)
            kept = result.run.model
            assert not kept.training
            for name, value in expected.model.state_dict().items():
                torch.testing.assert_close(kept.state_dict()[name], value, atol=1e-5, rtol=1e-4)
            x, y = ARMS[arm].splits.test
            loss = nn.functional.cross_entropy(kept(x), y).item()
            assert loss == pytest.approx(result.run.history.last("test").loss, rel=1e-4)
    assert {id(one.run.model) for one in seen} == {
        id(one.run.model) for runs in found.values() for one in runs
    }


@pytest.mark.parametrize(("engine", "parallel"), ENGINES)
def test_models_are_not_kept_unasked(engine, parallel):
    found = run_arms({"a": recipe(4)}, (0, 1), engine=engine, parallel=parallel)
    assert [result.run.model for result in found["a"]] == [None, None]


@pytest.mark.parametrize("engine", ["sequential", "stacked"])
def test_models_that_are_kept_share_no_memory(engine):
    found = run_arms({"a": recipe(4), "b": recipe(4)}, (0, 1), engine=engine, keep_models=True)
    models = [result.run.model for runs in found.values() for result in runs]
    places = [p.untyped_storage().data_ptr() for model in models for p in model.parameters()]
    assert len(set(places)) == len(places)


def test_a_model_that_cannot_be_built_again_is_told():
    calls = []

    def once():
        calls.append(1)
        if len(calls) > 1:
            raise ValueError("only once")
        return nn.Linear(4, 2)

    arms = {"a": recipe(4, model=once)}
    (result,) = run_arms(arms, (0,), engine="sequential", keep_models=True)["a"]
    assert result.run is None
    assert "cannot be built again" in result.error
    assert "only once" in result.error
