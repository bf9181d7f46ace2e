"""The stacked engine: what it returns, whatever the chunks, the workers and the order."""

import itertools
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD

from engine.stacked.parts import CLASSES, classes, close, net, recipe, run_stacked
from torchclinic.core import UsageError
from torchclinic.engine import RunsInterrupted
from torchclinic.engine.stacked import (
    choosing,
    chunking,
    native,
    plan_stacks,
    planning,
)
from torchclinic.watch import WatchOptions

SHORT = {"steps": 30}


def losses(found):
    return {(run.arm, run.seed): run.run.history.losses for runs in found.values() for run in runs}


def arms():
    return {str(rate): recipe(optimizer=partial(SGD, lr=rate), **SHORT) for rate in (0.05, 0.1)}


def test_results_do_not_depend_on_order_workers_or_chunks(monkeypatch):
    first = losses(run_stacked(arms(), range(4), parallel=1))
    backwards = dict(reversed(arms().items()))
    for size, parallel, seeds in ((1, 1, [3, 2, 1, 0]), (3, 1, range(4)), (64, 2, [2, 0, 1, 3])):
        monkeypatch.setattr(chunking, "MOST", size)
        again = losses(run_stacked(backwards, seeds, parallel=parallel))
        assert again.keys() == first.keys()
        for cell in first:
            close(first[cell], again[cell], 1e-12)


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Sigmoid,),
        (nn.GELU,),
        (partial(nn.BatchNorm1d, 100), nn.Tanh),
        (partial(nn.LayerNorm, 100), nn.SiLU),
    ],
    ids=["sigmoid", "gelu", "batch norm", "layer norm"],
)
@pytest.mark.parametrize("optimizer", [partial(SGD, lr=0.1), torch.optim.Adam], ids=["sgd", "adam"])
def test_with_kernels_the_chunks_do_not_change_a_bit(monkeypatch, layers, optimizer):
    native.prepare(compile_now=True)
    made = recipe(
        model=net(*layers, dtype=torch.float32, hidden=100),
        data=classes(torch.float32),
        optimizer=optimizer,
        steps=12,
    )
    first = losses(run_stacked({"a": made}, range(5), parallel=1))
    for size in (1, 2, 3):
        monkeypatch.setattr(choosing, "chunk_size", lambda _, size=size: size)
        again = losses(run_stacked({"a": made}, range(5), parallel=1))
        if native.available(torch.zeros(1)):
            assert again == first
        else:
            assert again.keys() == first.keys()


def test_results_come_in_the_order_of_the_seeds_and_are_told_one_by_one():
    told, progress = [], []
    found = run_stacked(arms(), [5, 3], parallel=1, on_result=told.append, progress=progress.append)
    assert [run.seed for run in found["0.05"]] == [5, 3]
    assert {(run.arm, run.seed) for run in told} == {(a, s) for a in arms() for s in (5, 3)}
    assert [p.done for p in progress] == [0, 1, 2, 3, 4]
    assert all(run.seconds > 0 and run.run.history.seconds > 0 for run in told)


def test_in_workers_everything_is_the_same():
    one = run_stacked(arms(), range(3), parallel=1)
    two = run_stacked(arms(), range(3), parallel=2)
    for cell, values in losses(one).items():
        close(values, losses(two)[cell], 1e-12)


def test_a_recipe_that_fails_does_not_stop_the_others():
    def broken():
        raise ValueError("no model today")

    found = run_stacked({"good": recipe(**SHORT), "bad": recipe(model=broken)}, [0, 1], parallel=1)
    assert all(run.run is not None for run in found["good"])
    assert all("no model today" in run.error for run in found["bad"])


def test_a_seed_whose_model_differs_runs_alone():
    def make():
        width = 8 if float(torch.rand(())) < 0.5 else 9
        return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 4)).double()

    found = run_stacked({"a": recipe(model=make, **SHORT)}, range(6), parallel=1)["a"]
    notes = {run.note for run in found}
    assert notes == {"", "not stacked: with this seed its model is of another structure"}
    assert all(run.run is not None for run in found)


def test_a_stack_that_fails_is_run_one_by_one(monkeypatch):
    from torchclinic.engine.stacked.stack import Stack

    def fail(self):
        raise RuntimeError("out of something")

    monkeypatch.setattr(Stack, "run", fail)
    found = run_stacked({"a": recipe(**SHORT)}, range(2), parallel=1)["a"]
    assert all(run.run is not None for run in found)
    assert {run.note for run in found} == {"not stacked: RuntimeError: out of something"}


def test_a_watched_run_is_not_stacked():
    found = run_stacked({"a": recipe(**SHORT)}, range(3), parallel=1, watch_first=WatchOptions())
    assert [run.run.trace is not None for run in found["a"]] == [True, False, False]
    assert [run.note for run in found["a"]] == ["not stacked: it is watched", "", ""]


def test_a_deadline_leaves_whole_chunks_out():
    found = run_stacked({"a": recipe(**SHORT)}, range(4), parallel=1, deadline=1e-9)["a"]
    assert all(run.skipped and "not begun" in run.error for run in found)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"deadline": -1.0}, "deadline"), ({"parallel": 0}, "parallel")],
)
def test_senseless_calls(options, message):
    with pytest.raises(UsageError, match=message):
        run_stacked({"a": recipe(**SHORT)}, [0], **options)
    with pytest.raises(UsageError, match="repeat"):
        run_stacked({"a": recipe(**SHORT)}, [0, 0])


def test_an_interrupt_keeps_what_is_done(monkeypatch):
    def interrupt(run):
        raise KeyboardInterrupt

    monkeypatch.setattr(chunking, "MOST", 1)
    with pytest.raises(RunsInterrupted) as caught:
        run_stacked({"a": recipe(**SHORT)}, range(3), parallel=1, on_result=interrupt)
    assert [run.run is not None for run in caught.value.results["a"]] == [True, False, False]


def test_the_global_generators_and_the_threads_are_left_alone():
    torch.manual_seed(1)
    np.random.seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), torch.get_num_threads()
    dropped = recipe(model=net(nn.Tanh, partial(nn.Dropout, 0.5)), **SHORT)
    run_stacked({"a": dropped}, range(2), parallel=1)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()
    assert torch.get_num_threads() == before[2]


def test_the_data_and_a_given_module_are_left_alone():
    model = net(nn.Tanh)()
    weights = [p.clone() for p in model.parameters()]
    x, y = (t.clone() for t in CLASSES.train)
    found = run_stacked({"a": recipe(model=model, **SHORT)}, range(2), parallel=1)
    assert all(torch.equal(a, b) for a, b in zip(weights, model.parameters(), strict=True))
    assert torch.equal(x, CLASSES.train[0])
    assert torch.equal(y, CLASSES.train[1])
    assert found["a"][0].run.history.losses != found["a"][1].run.history.losses


def test_plans_group_what_agrees():
    made = {
        "a": recipe(),
        "rate": recipe(optimizer=partial(SGD, lr=0.5)),
        "steps": recipe(steps=3),
        "width": recipe(model=net(nn.Tanh, hidden=17)),
        "batch": recipe(batch_size=16),
        "optimizer": recipe(optimizer=torch.optim.Adam),
        "alone": recipe(accumulate=3),
    }
    plan = plan_stacks(made, [0, 1])
    found = {tuple(sorted({arm for arm, _ in group.cells})) for group in plan.groups}
    assert found == {("a", "rate", "steps"), ("width",), ("batch",), ("optimizer",)}
    assert plan.alone == {"alone": "it accumulates the gradients of 3 batches"}
    assert planning.plan_stacks({}, [0]).groups == ()


def test_chunks_are_even_and_whole():
    for count, largest, workers in itertools.product(range(1, 40), (1, 4, 8), (1, 2, 3)):
        chunks = chunking.even_chunks(list(range(count)), largest, workers)
        sizes = [len(chunk) for chunk in chunks]
        assert [item for chunk in chunks for item in chunk] == list(range(count))
        assert max(sizes) <= largest
        assert max(sizes) - min(sizes) <= 1
        assert len(chunks) % workers == 0 or len(chunks) == count
