import random

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from engine.recipes import make_net, mse, recipe, with_step
from torchclinic.core import LossError, UsageError
from torchclinic.engine import Progress, RunsInterrupted, run_arms
from torchclinic.training import train

ARMS = {"slow": recipe(), "fast": recipe(optimizer=lambda ps: torch.optim.Adam(ps, lr=0.02))}


def numbers(results):
    return {
        (r.arm, r.seed): (r.run.history.losses, r.run.history.evaluations)
        for runs in results.values()
        for r in runs
    }


@pytest.fixture(scope="module")
def reference():
    return numbers(run_arms(ARMS, range(4), parallel=1))


def test_results_are_in_the_order_of_arms_and_seeds():
    results = run_arms(ARMS, [5, 3], parallel=2)
    assert list(results) == ["slow", "fast"]
    assert [(r.arm, r.seed) for r in results["fast"]] == [("fast", 5), ("fast", 3)]
    assert all(r.error is None and r.note == "" and r.seconds > 0 for r in results["slow"])
    assert all(r.run is not None and r.run.seed == r.seed for r in results["slow"])


@pytest.mark.parametrize("processes", [1, 2, 3, None])
def test_the_number_of_processes_changes_no_bit(reference, processes):
    assert numbers(run_arms(ARMS, range(4), parallel=processes)) == reference


def test_order_and_company_change_no_bit(reference):
    backwards = run_arms({"fast": ARMS["fast"]}, [3, 1], parallel=1)
    found = numbers(backwards)
    assert found == {cell: reference[cell] for cell in found}


def test_a_run_is_what_train_makes_on_one_thread(reference):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run = train(ARMS["slow"], 2)
    finally:
        torch.set_num_threads(threads)
    assert reference["slow", 2] == (run.history.losses, run.history.evaluations)


def test_arms_of_one_seed_share_their_data_order():
    seen = {"a": [], "b": []}

    def watching(name):
        def step(model, batch):
            if model.training:
                seen[name].append(batch[0].sum().item())
            return mse(model, batch)

        return with_step(step)

    run_arms({"a": watching("a"), "b": watching("b")}, [7], parallel=1)
    assert len(seen["a"]) >= 12
    assert seen["a"] == seen["b"]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_callers_random_state_and_threads_are_untouched(processes):
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    before = torch.get_rng_state(), np.random.random(), random.getstate()
    np.random.seed(1)
    threads = torch.get_num_threads()
    run_arms(ARMS, range(2), parallel=processes)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.random()
    assert before[2] == random.getstate()
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("processes", [1, 2])
def test_a_given_module_and_loader_are_untouched(processes):
    net = make_net()
    weights = [p.detach().clone() for p in net.parameters()]
    generator = torch.Generator().manual_seed(3)
    x, y = recipe().data
    loader = DataLoader(TensorDataset(x, y), 8, shuffle=True, generator=generator)
    arms = {"a": recipe(model=net, data=loader)}
    first = numbers(run_arms(arms, range(2), parallel=processes))
    assert numbers(run_arms(arms, range(2), parallel=processes)) == first
    assert all(map(torch.equal, weights, net.parameters()))
    assert torch.equal(generator.get_state(), torch.Generator().manual_seed(3).get_state())


@pytest.mark.parametrize("processes", [1, 2])
def test_a_typed_error_of_one_arm_stops_no_other(processes):
    def refuse(model, batch):
        raise LossError("no loss today")

    arms = {"bad": with_step(refuse), "good": recipe()}
    results = run_arms(arms, range(3), parallel=processes)
    assert [r.error for r in results["bad"]] == ["no loss today"] * 3
    assert all(r.run is None and not r.skipped and r.note == "" for r in results["bad"])
    assert all(r.run is not None for r in results["good"])


@pytest.mark.parametrize("processes", [1, 2])
def test_any_other_error_stops_no_other(processes):
    class Odd:
        def __iter__(self):
            raise MemoryError("all gone")

    arms = {"bad": recipe(data=[Odd()]), "good": recipe()}
    results = run_arms(arms, range(2), parallel=processes)
    assert all(r.run is None and r.error for r in results["bad"])
    assert all(r.run is not None for r in results["good"])


def test_short_runs_and_test_evaluation_are_passed_on():
    from torchclinic.core import Splits

    x, y = recipe().data
    data = Splits(train=(x[:32], y[:32]), test=(x[32:], y[32:]))
    (run,) = run_arms({"a": recipe(data=data)}, [0], max_steps=5, test=True)["a"]
    assert run.run is not None
    assert len(run.run.history.losses) == 5
    assert run.run.history.last("test") is not None


@pytest.mark.parametrize("processes", [1, 2])
def test_progress_and_results_are_told(processes):
    told, results = [], []
    run_arms(ARMS, range(2), parallel=processes, progress=told.append, on_result=results.append)
    assert [p.done for p in told] == [0, 1, 2, 3, 4]
    assert {p.total for p in told} == {4}
    assert told[0].remaining is None
    assert told[-1].remaining == 0
    assert {(r.arm, r.seed) for r in results} == {(a, s) for a in ARMS for s in range(2)}


def test_remaining_time_is_in_proportion():
    assert Progress(done=1, total=4, seconds=2.0).remaining == 6.0


@pytest.mark.parametrize("processes", [1, 2])
def test_a_deadline_leaves_whole_pairs(processes):
    results = run_arms(ARMS, range(200), parallel=processes, deadline=0.5)
    done = {arm: [r.seed for r in runs if r.run is not None] for arm, runs in results.items()}
    assert 0 < len(done["slow"]) < 200
    assert len(set(done["slow"]) ^ set(done["fast"])) <= processes
    left = [r for r in results["slow"] if r.run is None]
    assert all(r.skipped and "0.5 s allowed" in str(r.error) for r in left)


def test_a_deadline_that_is_far_skips_nothing():
    results = run_arms(ARMS, range(2), deadline=1e6)
    assert all(r.run is not None for runs in results.values() for r in runs)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupt_keeps_what_is_finished(processes):
    finished = []

    def stop(result):
        finished.append(result)
        if len(finished) == 3:
            raise KeyboardInterrupt

    with pytest.raises(RunsInterrupted) as caught:
        run_arms(ARMS, range(20), parallel=processes, on_result=stop)
    results = caught.value.results
    assert [len(runs) for runs in results.values()] == [20, 20]
    kept = [r for runs in results.values() for r in runs if r.run is not None]
    assert sorted((r.arm, r.seed) for r in kept) == sorted((r.arm, r.seed) for r in finished)
    assert all(r.error == "interrupted" for runs in results.values() for r in runs if not r.run)


def test_nothing_to_run_is_nothing():
    assert run_arms({}, range(3)) == {}
    assert run_arms(ARMS, []) == {"slow": (), "fast": ()}


@pytest.mark.parametrize(
    "bad", [{"seeds": [1, 1]}, {"deadline": 0}, {"deadline": float("nan")}, {"parallel": 0}]
)
def test_senseless_calls_are_refused(bad):
    seeds = bad.pop("seeds", [0])
    with pytest.raises(UsageError):
        run_arms(ARMS, seeds, **bad)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("choice", [True, "options"])
def test_the_first_seed_of_each_arm_is_watched(processes, choice):
    from torchclinic.watch import WatchOptions

    watch_first = WatchOptions(every=1) if choice == "options" else choice
    results = run_arms(ARMS, [4, 2], parallel=processes, watch_first=watch_first)
    plain = run_arms(ARMS, [4, 2], parallel=1)
    for arm, (first, second) in results.items():
        assert first.run is not None
        assert second.run is not None
        assert first.run.trace is not None
        assert first.run.trace.layers
        assert second.run.trace is None
        assert first.run.history.losses == numbers(plain)[arm, 4][0]
