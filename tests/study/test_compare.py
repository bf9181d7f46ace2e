import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD

from study.studies import arms, data, net, recipe
from torchclinic.core import Metric, OutputError, Splits, UsageError
from torchclinic.study import (
    Halving,
    StudyBudget,
    StudyInterrupted,
    Watched,
    compare,
    paired_comparison,
    variants,
)
from torchclinic.training import train
from torchclinic.watch import WatchOptions

HERE = {"engine": "sequential", "parallel": 1}


def scores(study):
    return {(run.arm, run.seed): run.score for run in study.result.runs}


@pytest.fixture(scope="module")
def study():
    return compare(arms(3), seeds=6, **HERE)


def test_every_arm_runs_with_every_seed_as_train_does(study):
    assert len(study.result.runs) == 18
    for arm, found in arms(3).items():
        for seed in range(6):
            expected = train(found, seed, test=True).history
            assert study.runs[arm][seed].run.history.losses == expected.losses
            assert scores(study)[arm, seed] == expected.last("test").metric


def test_comparisons_are_those_of_the_scores(study):
    (first, *_others) = study.result.against_baseline
    found = scores(study)
    expected = paired_comparison(
        [found["lr 0.1", s] for s in range(6)],
        [found["lr 1.0", s] for s in range(6)],
        seeds=range(6),
        metric="accuracy",
        higher_is_better=True,
        interval="sign-flip",
    )
    assert (first.before, first.after, first.comparison) == ("lr 0.1", "lr 1.0", expected)
    assert first.family == 2
    assert len(study.result.pairs) == 3


def test_the_rows_sum_the_runs_up(study):
    row = study.result.row("lr 1.0")
    mine = [score for (arm, _), score in scores(study).items() if arm == "lr 1.0"]
    assert row.mean == pytest.approx(sum(mine) / 6)
    assert (row.n, row.failed, row.diverged, row.missing, row.steps) == (6, 0, 0, 0, 12)
    assert row.low <= row.mean <= row.high
    assert row.seconds > 0


@pytest.mark.parametrize("parallel", [2, None])
def test_neither_processes_nor_order_decide(study, parallel):
    turned = dict(reversed(arms(3).items()))
    other = compare(turned, seeds=reversed(range(6)), engine="sequential", parallel=parallel)
    assert scores(other) == scores(study)


@pytest.mark.parametrize("engine", ["auto", "stacked"])
def test_the_engine_decides_nothing_but_rounding(study, engine):
    other = compare(arms(3), seeds=6, engine=engine)
    for cell, score in scores(study).items():
        assert scores(other)[cell] == pytest.approx(score, abs=1 / 16 + 1e-6)
    for arm in study.arms:
        mine, theirs = (s.runs[arm][0].run.history.losses for s in (study, other))
        assert theirs == pytest.approx(mine, rel=1e-4)


def test_what_was_worth_knowing_of_a_run_is_said_once():
    base = recipe(loss=None, metric=None, step=lambda m, b: m(b[0]).square().mean())
    study = compare({"a": base, "b": base}, seeds=3, engine="stacked", split="train")
    told = {run.note for run in study.result.runs}
    assert len(told) == 1
    (words,) = told
    assert words
    assert [note for note in study.result.notes if words in note] == [f"all arms: {words}"]


def test_arms_of_a_seed_see_the_same_rows_and_start_alike():
    """Whatever an arm draws while it trains: dropout takes none of the data order's draws."""
    seen = {}

    def step(model, batch, name):
        record = seen.setdefault((name, model[1].__class__), [])
        if not record:
            record.append(model[0].weight.detach().clone())
        record.append(batch[0].clone())
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    def arm(name, **change):
        return recipe(loss=None, metric="loss", step=partial(step, name=name), **change)

    plain, rates = arm("plain"), arm("fast", optimizer=partial(SGD, lr=1.0))
    dropout = arm("dropout", model=partial(net, p=0.5))
    other = arm("tanh", model=partial(net, act=nn.Tanh))
    plain, rates, dropout, other = (a.replace(metric=None) for a in (plain, rates, dropout, other))
    compare(
        {"plain": plain, "fast": rates, "dropout": dropout, "tanh": other},
        seeds=[5],
        split="train",
        **HERE,
    )
    first, *others = seen.values()
    assert len(first) > 12
    for record in others:
        for mine, theirs in zip(first[:13], record[:13], strict=True):
            assert torch.equal(mine, theirs)


def test_different_seeds_see_different_rows():
    study = compare({"a": recipe()}, seeds=2, **HERE)
    losses = [run.run.history.losses for run in study.runs["a"]]
    assert losses[0] != losses[1]


def test_a_clear_difference_is_called_better_in_words():
    base = recipe(steps=60)
    study = compare(
        variants(base, {"still": {"optimizer.lr": 1e-6}, "learning": {"optimizer.lr": 0.5}}),
        seeds=8,
        **HERE,
    )
    found = study.verdict("learning", "still")
    assert found.judgement == "better"
    assert str(found).startswith("learning is better than still: accuracy 0.")
    assert "on 8 of 8 seeds" in str(found)
    assert study.verdict("still", "learning").judgement == "worse"
    assert study.best().arm == "learning"
    assert study.best().share == 1
    assert "learning is the best arm" in study.verdicts()


def test_no_difference_is_called_inconclusive_in_words():
    base = recipe()
    study = compare({"one": base, "other": base}, seeds=6, **HERE)
    found = study.verdict("other")
    assert found.judgement == "inconclusive"
    assert found.comparison.mean_difference == 0
    assert str(found).startswith("other against one is inconclusive")
    assert "there is no difference to be seen" in str(found)
    assert study.best().contenders == ("one", "other")
    assert "inconclusive" in str(study.best())
    assert study.best().shares == pytest.approx({"one": 0.5, "other": 0.5})


def test_too_few_seeds_are_said_to_be_too_few():
    study = compare(arms(2), seeds=3, **HERE)
    assert study.result.against_baseline[0].judgement == "inconclusive"
    assert "3 seeds" in study.power()
    assert "6 seeds is the fewest" in study.power()


def test_power_speaks_of_points(study):
    assert study.power(0.005).startswith("to see a difference of 0.5 points you need ")
    few, many = (int(study.power(d).split()[-2]) for d in (0.2, 0.05))
    assert few < many


def test_what_is_not_there_is_named(study):
    for call in (lambda: study.verdict("x"), lambda: study.verdict("lr 0.1", "lr 0.1")):
        with pytest.raises(UsageError):
            call()
    with pytest.raises(UsageError, match="was watched"):
        study.trace("lr 0.1")
    with pytest.raises(UsageError, match="no best"):
        compare({"a": recipe()}, seeds=2, **HERE).best()


def test_a_failing_arm_is_reported_and_stops_nothing():
    def broken():
        raise ValueError("boom")

    study = compare({"a": recipe(), "broken": recipe(model=broken), "b": arms(2)["lr 1.0"]},
                    seeds=3, **HERE)  # fmt: skip
    row = study.result.row("broken")
    assert (row.n, row.failed) == (0, 3)
    assert math.isnan(row.mean)
    assert any(
        "broken: 3 of 3 runs failed" in note and "boom" in note for note in study.result.notes
    )
    assert [c.after for c in study.result.against_baseline] == ["b"]
    assert "broken" not in study.best().shares
    assert "3 failed" in str(study.table())


def test_a_failing_baseline_leaves_the_pairs():
    def broken():
        raise ValueError("boom")

    study = compare({"broken": recipe(model=broken), **arms(3)}, seeds=2, **HERE)
    assert study.result.against_baseline == ()
    assert len(study.result.pairs) == 3
    with pytest.raises(UsageError, match="no seed in common"):
        study.verdict("lr 0.1")


def test_diverged_runs_count_as_worst():
    base = recipe(metric="loss", steps=60)
    base = base.replace(metric=None)
    study = compare(
        {"plain": base, "diverges": base.replace(optimizer=partial(SGD, lr=1e30))}, seeds=6, **HERE
    )
    row = study.result.row("diverges")
    assert (row.n, row.diverged) == (0, 6)
    assert study.verdict("diverges").judgement == "worse"
    assert "of diverges diverged" in str(study.verdict("diverges")) or "diverged" in str(
        study.verdict("diverges")
    )
    assert any("6 of 6 runs diverged" in note for note in study.result.notes)


def test_judged_on_test_then_validation_then_training():
    whole = data()
    parts = {
        "test": whole,
        "validation": Splits(train=whole.train, validation=whole.validation),
        "train": Splits(train=whole.train),
    }
    for expected, splits in parts.items():
        study = compare({"a": recipe(data=splits), "b": recipe(data=splits)}, seeds=2, **HERE)
        assert study.result.split == expected
        assert study.result.metric == ("loss" if expected == "train" else "accuracy")
    assert any("nothing is said of generalisation" in note for note in study.result.notes)
    asked = compare({"a": recipe()}, seeds=1, split="validation", **HERE)
    assert asked.runs["a"][0].run.history.last("test") is None
    assert asked.result.row("a").mean == asked.runs["a"][0].run.history.last("validation").metric


def test_one_metric_for_all_arms():
    plain, none = recipe(), recipe(metric=None)
    with pytest.raises(UsageError, match=r"'b' by loss"):
        compare({"a": plain, "b": none}, seeds=1, **HERE)
    study = compare({"a": plain, "b": none}, seeds=1, metric="accuracy", **HERE)
    assert study.result.metric == "accuracy"
    by_loss = compare({"a": plain, "b": none}, seeds=1, metric="loss", **HERE)
    assert (by_loss.result.metric, by_loss.result.higher_is_better) == ("loss", False)
    own = Metric("errors", lambda out, y: float((out.argmax(1) != y).sum()), higher_is_better=False)
    assert not compare({"a": plain}, seeds=1, metric=own, **HERE).result.higher_is_better


def test_max_steps_and_budgets_cut_all_runs_alike():
    cut = compare(arms(2), seeds=2, max_steps=5, **HERE)
    assert {run.steps for run in cut.result.runs} == {5}
    assert any("cut after 5 updates" in note for note in cut.result.notes)
    for budget in ("24 steps", "2x", 2, StudyBudget(24, "steps")):
        study = compare(arms(2), seeds=2, budget=budget, **HERE)
        assert {run.steps for run in study.result.runs} == {6}
    enough = compare(arms(2), seeds=2, budget="100x", **HERE)
    assert {run.steps for run in enough.result.runs} == {12}


def test_time_ends_a_study_between_whole_pairs():
    slow = {name: r.replace(steps=4000) for name, r in arms(2).items()}
    study = compare(slow, seeds=200, budget="0.9s", **HERE)
    made = {arm: [r.seed for r in runs if r.run is not None] for arm, runs in study.runs.items()}
    first, second = made.values()
    assert len(first) < 200
    assert abs(len(first) - len(second)) <= 1
    assert any("runs are missing" in note for note in study.result.notes)


@pytest.mark.parametrize(
    "options",
    [
        {"seeds": 0},
        {"seeds": [1, 1]},
        {"seeds": 2.5},
        {"seeds": True},
        {"baseline": "x"},
        {"max_steps": 0},
        {"budget": "many"},
        {"budget": "1 steps"},
        {"budget": -3},
        {"confidence": 95},
        {"split": "dev"},
        {"metric": "f1"},
        {"engine": "quantum"},
        {"halving": 1},
        {"halving": "yes"},
        {"watch": ["x"]},
        {"watch": 3.5},
    ],
    ids=str,
)
def test_senseless_arguments_are_named(options):
    with pytest.raises(UsageError):
        compare(arms(2), **{"seeds": 2, **HERE, **options})


def test_halving_drops_arms_on_seeds_of_their_own():
    many = arms(8)
    study = compare(
        many, seeds=3, halving=Halving(factor=2, finalists=3), baseline="lr 0.03", **HERE
    )
    left = [row.arm for row in study.result.rows if row.n]
    assert len(left) == 3
    assert "lr 0.03" in left
    dropped = [run for run in study.result.runs if run.ending == "dropped"]
    assert len({run.arm for run in dropped}) == 5
    assert "dropped in round" in dropped[0].error
    assert {run.seed for run in study.result.runs} == {0, 1, 2}
    assert len(study.result.against_baseline) == 2
    assert sum("halving" in note for note in study.result.notes) >= 2
    alone = compare({name: many[name] for name in left}, seeds=3, **HERE)
    for cell, score in scores(alone).items():
        assert scores(study)[cell] == score


def test_halving_is_paid_from_the_budget():
    thin = Halving(factor=2, finalists=2)
    study = compare(arms(8), seeds=2, halving=thin, budget="100 steps", **HERE)
    rounds = [note.split()[2:6:3] for note in study.result.notes if "arms ran" in note]
    assert rounds == [["8", "2"], ["4", "3"]]  # arms and updates, with two seeds each
    assert sum(run.steps for run in study.result.runs) == 100 - 8 * 2 * 2 - 4 * 3 * 2


def test_the_best_of_many_arms_is_told_from_the_worst():
    rates = [10.0**-k for k in (9, 8, 7, 6)] + [0.2 + k / 100 for k in range(10)]
    study = compare(
        recipe(steps=60, metric=None), grid={"optimizer.lr": rates}, seeds=12, metric="loss", **HERE
    )
    assert study.result.pairs == ()
    assert not {f"lr={rate}" for rate in rates[:4]} & set(study.best().contenders)
    assert study.verdict(study.best().arm, "lr=1e-06").judgement == "better"


def test_halving_leaves_few_arms_alone():
    study = compare(arms(3), seeds=2, halving=True, **HERE)
    assert all(row.n == 2 for row in study.result.rows)


def test_chosen_runs_are_watched_and_no_number_changes(study):
    options = WatchOptions(every=4)
    watched = compare(arms(3), seeds=6, watch=Watched(("lr 1.0",), 2, options), **HERE)
    assert scores(watched) == scores(study)
    trace = watched.trace("lr 1.0")
    assert trace.weighted()
    assert watched.trace("lr 1.0", 1).weighted()
    for arm, seed in (("lr 1.0", 2), ("lr 0.1", 0)):
        with pytest.raises(UsageError, match="was watched"):
            watched.trace(arm, seed)


def test_watch_true_watches_the_first_run_of_each_arm():
    study = compare(arms(2), seeds=2, watch=True, **HERE)
    assert all(study.trace(arm).weighted() for arm in study.arms)


def test_progress_tells_how_far_it_is():
    told = []
    compare(arms(2), seeds=3, progress=told.append, **HERE)
    assert [p.done for p in told] == list(range(7))
    assert {p.total for p in told} == {6}
    assert told[0].remaining is None
    assert told[-1].remaining == 0


def test_an_interrupt_carries_what_is_finished():
    def step(model, batch):
        if calls:
            raise KeyboardInterrupt
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    calls = []
    stops = recipe(loss=None, metric=None, step=step)

    def listener(progress):
        if progress.done == 2:
            calls.append(1)

    with pytest.raises(StudyInterrupted) as stopped:
        compare({"a": stops, "b": stops}, seeds=4, progress=listener, split="train", **HERE)
    runs = stopped.value.study.result.runs
    assert sum(run.score is not None for run in runs) == 2
    assert len(runs) == 8


def test_curves_have_steps_and_all_parts(study):
    curves = study.result.curves_of("lr 0.1", "validation", "metric")
    assert len(curves) == 6
    assert curves[0].points[-1][0] == 12
    training = study.result.curves_of("lr 0.1", "train", "loss")
    assert [value for _, value in training[0].points] == list(
        study.runs["lr 0.1"][0].run.history.losses
    )


def test_it_prints_and_reports(study, tmp_path):
    assert "lr 0.01" in str(study)
    assert "lr 0.01" in study._repr_html_()
    study.report(tmp_path / "study.html")
    assert "<html" in (tmp_path / "study.html").read_text()
    assert study.to_dict()
    with pytest.raises(OutputError):
        study.report(tmp_path / "none" / "study.html")
    alone = compare({"only": recipe()}, seeds=2, **HERE)
    assert "only" in str(alone)
    lines = study.table().markdown().splitlines()
    assert [line.count("|") for line in lines] == [9] * 5


def test_text_table_and_html(study):
    table = str(study.table())
    assert max(map(len, table.splitlines())) <= 80
    assert all(arm in table for arm in study.arms)
    assert study.table()._repr_html_().count("<tr>") == 4
    long = compare({"x" * 70: recipe(), "<b>": recipe()}, seeds=2, **HERE)
    assert max(map(len, str(long.table()).splitlines())) <= 80
    assert "&lt;b&gt;" in long.table()._repr_html_()
    assert repr(study) == "<Study 'lr 0.1 / lr 1.0 / lr 0.01': 3 arms x 6 seeds>"
