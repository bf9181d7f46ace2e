import errno
import json
import math
import os
import resource
import subprocess
import sys
import textwrap
import types
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim import SGD, Adam
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import torchclinic as tc
from study.studies import arms, data, net, recipe
from torchclinic.core import (
    DataError,
    EarlyStopping,
    Evaluation,
    History,
    OutputError,
    Penalty,
    Run,
    UsageError,
)
from torchclinic.engine import ArmRun
from torchclinic.study import compare, load_study
from torchclinic.study.store import Store, facts_hash, recipe_facts
from torchclinic.study.store.describing import Describer
from torchclinic.study.store.facts import what_changed
from torchclinic.study.store.files import write_once
from torchclinic.study.store.records import from_record, to_record
from torchclinic.study.store.text import to_text

HERE = {"engine": "sequential", "parallel": 1}
numbers = st.floats() | st.sampled_from([math.nan, math.inf, -math.inf, 5e-324, 0.1 + 0.2])


def scores(study):
    return {(run.arm, run.seed): run.score for run in study.result.runs}


def stamps(folder):
    """Every finished run, with what changes when it is written again."""
    return {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in runs_in(folder)}


def runs_in(folder):
    return {p for p in Path(folder).glob("runs/*/seed-*.json") if "failed" not in p.name}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "study"


def test_a_second_call_makes_nothing_and_finds_everything(folder):
    first = compare(arms(3), seeds=4, store=folder, **HERE)
    before = stamps(folder)
    second = compare(arms(3), seeds=4, store=folder, **HERE)
    assert len(before) == 12
    assert stamps(folder) == before
    assert second.result.meta["runs"] == "0 made by this process, 12 were there"
    assert scores(first) == scores(second) == scores(compare(arms(3), seeds=4, **HERE))
    assert first.result.against_baseline == second.result.against_baseline
    assert first.result.curves == second.result.curves


def test_more_arms_and_more_seeds_are_added(folder):
    compare(arms(2), seeds=2, store=folder, **HERE)
    study = compare(arms(3), seeds=[1, 2, 3], store=folder, **HERE)
    assert study.result.meta["runs"] == "7 made by this process, 2 were there"
    assert scores(study) == scores(compare(arms(3), seeds=[1, 2, 3], **HERE))
    assert len(runs_in(folder)) == 11


def test_the_folder_is_read_without_its_recipes(folder):
    study = compare(arms(3), seeds=4, store=folder, baseline="lr 1.0", watch=True, **HERE)
    read = load_study(folder)
    assert scores(read) == scores(study)
    assert read.result.against_baseline == study.result.against_baseline
    assert (read.result.baseline, read.result.seeds) == ("lr 1.0", (0, 1, 2, 3))
    assert read.trace("lr 0.1") == study.trace("lr 0.1")
    assert load_study(str(folder)).result.arms == study.result.arms


def test_a_folder_is_read_while_it_is_not_finished(folder):
    compare(arms(2), seeds=2, store=folder, **HERE)
    missing = sorted(runs_in(folder))[0]
    missing.unlink()
    read = load_study(folder)
    assert sum(run.ending == "missing" for run in read.result.runs) == 1
    assert any("not in the folder yet" in note for note in read.result.notes)


def test_pandas_and_a_text_editor_read_it(folder):
    study = compare(arms(2), seeds=2, store=folder, **HERE)
    path = next(p for p in runs_in(folder) if p.name == "seed-1.json")
    record = json.loads(path.read_text())
    curve = pd.DataFrame(record["evaluations"])
    assert list(curve.columns) == ["step", "split", "loss", "metric"]
    found = study.runs[record["arm"]][1].run.history
    assert list(curve.loss) == [e.loss for e in found.evaluations]
    assert pd.DataFrame(record["steps"]["loss"]).shape == (12, 1)
    assert len(path.read_text().splitlines()) < 50
    manifest = json.loads((folder / "study.json").read_text())
    assert manifest["arms"]["lr 1.0"]["facts"]["steps"] == "12"
    assert (folder / "runs" / manifest["arms"]["lr 1.0"]["folder"] / "recipe.json").exists()


def test_a_changed_recipe_gets_new_runs_and_is_told(folder):
    before = arms(2)
    compare(before, seeds=2, store=folder, **HERE)
    old = stamps(folder)
    after = {**before, "lr 1.0": before["lr 1.0"].replace(optimizer=partial(SGD, lr=3.0))}
    study = compare(after, seeds=2, store=folder, **HERE)
    assert study.result.meta["runs"] == "2 made by this process, 2 were there"
    (note,) = [note for note in study.result.notes if "has changed" in note]
    assert "lr 1.0 has changed" in note
    assert "lr=1.0" in note
    assert "lr=3.0" in note
    assert {p: s for p, s in stamps(folder).items() if p in old} == old
    back = compare(before, seeds=2, store=folder, **HERE)
    assert back.result.meta["runs"] == "0 made by this process, 4 were there"


def test_a_shorter_study_is_another_one(folder):
    compare(arms(2), seeds=2, store=folder, **HERE)
    study = compare(arms(2), seeds=2, store=folder, max_steps=5, **HERE)
    assert {run.steps for run in study.result.runs} == {5}


def test_no_resume_refuses_a_folder_with_runs(folder):
    compare(arms(2), seeds=2, store=folder, resume=False, **HERE)
    with pytest.raises(UsageError, match="holds a study already"):
        compare(arms(2), seeds=2, store=folder, resume=False, **HERE)


def test_folders_of_other_things_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match=r"thesis\.tex"):
        compare(arms(2), seeds=1, store=tmp_path, **HERE)
    with pytest.raises(UsageError, match="is a file"):
        compare(arms(2), seeds=1, store=tmp_path / "thesis.tex", **HERE)
    for nothing in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError):
            load_study(nothing)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_failed_runs_are_tried_again_by_the_next_call(folder):
    attempts = []

    def shaky():
        attempts.append(1)
        if len(attempts) <= 5:
            raise ValueError("boom")
        return net()

    study = compare({"shaky": recipe(model=shaky)}, seeds=2, store=folder, **HERE)
    assert study.result.row("shaky").failed == 2
    (failed, *_) = folder.glob("runs/*/seed-0.failed.json")
    assert "boom" in json.loads(failed.read_text())["error"]
    assert not runs_in(folder)
    attempts.extend([1] * 9)
    again = compare({"shaky": recipe(model=shaky)}, seeds=2, store=folder, **HERE)
    assert again.result.row("shaky").n + again.result.row("shaky").failed == 2


def test_a_trace_that_was_not_made_is_made_later(folder):
    compare(arms(2), seeds=2, store=folder, **HERE)
    before = stamps(folder)
    study = compare(arms(2), seeds=2, store=folder, watch=["lr 1.0"], **HERE)
    assert study.trace("lr 1.0").weighted()
    assert stamps(folder) == before
    assert len(list(folder.glob("runs/*/*.trace"))) == 1


def test_a_damaged_run_is_named(folder):
    compare(arms(2), seeds=2, store=folder, **HERE)
    path = sorted(runs_in(folder))[0]
    path.write_text(path.read_text()[:100])
    with pytest.raises(DataError, match=path.name) as raised:
        compare(arms(2), seeds=2, store=folder, **HERE)
    assert "delete it" in str(raised.value)
    path.unlink()
    assert compare(arms(2), seeds=2, store=folder, **HERE).result.row("lr 0.1").n == 2


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"format": "torchclinic study", "version": 99}',
        '{"format": "torchclinic study", "version": 1, "arms": 3}',
    ],
)
def test_a_damaged_manifest_is_named(folder, text):
    folder.mkdir()
    (folder / "study.json").write_text(text)
    with pytest.raises((DataError, UsageError), match=r"study\.json"):
        compare(arms(2), seeds=1, store=folder, **HERE)


def test_arms_with_awkward_names(folder):
    names = ["a/b", "../x", "ÄÖ", "a b", "A B", "." * 5, "n" * 300]
    study = compare({name: recipe() for name in names}, seeds=1, store=folder, **HERE)
    assert all(row.n == 1 for row in study.result.rows)
    assert len(list((folder / "runs").iterdir())) == len(names)
    assert [arm.name for arm in load_study(folder).result.arms] == names


def test_save_writes_what_compare_would_have_kept(tmp_path):
    study = compare(arms(2), seeds=2, watch=True, **HERE)
    study.save(tmp_path / "saved")
    assert scores(load_study(tmp_path / "saved")) == scores(study)
    resumed = compare(arms(2), seeds=3, store=tmp_path / "saved", **HERE)
    assert resumed.result.meta["runs"] == "2 made by this process, 4 were there"
    load_study(tmp_path / "saved").save(tmp_path / "copy")
    assert scores(load_study(tmp_path / "copy")).keys() == scores(resumed).keys()
    assert study.trace("lr 0.1") == load_study(tmp_path / "copy").trace("lr 0.1")


def test_halving_is_resumed_too(folder):
    first = compare(arms(8), seeds=2, halving=3, store=folder, **HERE)
    made = len(runs_in(folder))
    second = compare(arms(8), seeds=2, halving=3, store=folder, **HERE)
    assert scores(second) == scores(first)
    assert len(runs_in(folder)) == made
    read = load_study(folder)
    assert sum(run.ending == "dropped" for run in read.result.runs) == 10
    assert scores(read) == scores(first)


@settings(max_examples=60)
@given(
    st.lists(numbers, max_size=5),
    st.lists(st.tuples(st.integers(0, 99), numbers, st.none() | numbers), max_size=4),
    st.sampled_from(["budget", "diverged", "early-stopping"]),
)
def test_a_record_loses_no_bit(losses, points, ending):
    history = History(
        losses=tuple(losses),
        learning_rates=tuple(losses),
        evaluations=tuple(Evaluation(s, "test", a, b) for s, a, b in points),
        ending=ending,
        best_step=3,
        planned_steps=9,
        seconds=0.1,
    )
    result = ArmRun("a", -3, Run("r", -3, history), None, 0.3, "a note")
    text = to_text(to_record(result, {"torch": "2"}))
    assert repr(from_record(json.loads(text))) == repr(result)


def test_write_once_writes_once(tmp_path):
    aside = tmp_path / "aside"
    assert write_once(tmp_path / "a", "one", aside)
    assert not write_once(tmp_path / "a", "two", aside)
    assert (tmp_path / "a").read_text() == "one"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def full_after(writes):
    """os.write on a disk that is full after so many."""
    original, left = os.write, [writes]

    def write(descriptor, content):
        left[0] -= 1
        if left[0] < 0:
            original(descriptor, bytes(content)[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(descriptor, content)

    return write


@pytest.mark.parametrize("writes", [0, 1, 3, 5, 8, 11, 14])
def test_a_full_disk_is_told_and_what_is_finished_is_kept(folder, monkeypatch, writes):
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full_after(writes))
        with pytest.raises(OutputError, match="No space left") as raised:
            compare(arms(2), seeds=3, store=folder, **HERE)
    assert "what is finished is kept" in str(raised.value)
    before = stamps(folder)
    assert all(json.loads(path.read_text())["seed"] in range(3) for path in before)
    study = compare(arms(2), seeds=3, store=folder, **HERE)
    assert {p: s for p, s in stamps(folder).items() if p in before} == before
    assert scores(study) == scores(compare(arms(2), seeds=3, **HERE))
    assert not list((folder / ".work" / "unfinished").iterdir())


def test_a_file_that_may_not_grow_is_told(folder):
    """The kernel's own refusal, as on a full disk or over a quota."""
    long = {"short": recipe(), "long": recipe(steps=2000)}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    compare({"short": long["short"]}, seeds=2, store=folder, **HERE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            compare(long, seeds=2, store=folder, **HERE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(runs_in(folder)) == 2
    assert compare(long, seeds=2, store=folder, **HERE).result.row("long").n == 2


# What the hash of a recipe sees. Each change must be noticed.

RATE = 0.1


def uses_global(out, y):
    return RATE * nn.functional.cross_entropy(out, y)


def helper(x):
    return 2 * x


def uses_helper(out, y):
    return helper(nn.functional.cross_entropy(out, y))


class Doubling(nn.Module):
    factor = 2

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return self.factor * self.layer(x)


class Dropping(Doubling):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p


def code(found):
    return facts_hash("arm", recipe_facts(found, Describer()))


def other_data():
    splits = data()
    x, y = splits.train
    x = x.clone()
    x[5, 1] += 1e-6
    return tc.Splits(train=(x, y), validation=splits.validation, test=splits.test)


CHANGES = {
    "steps": {"steps": 13},
    "batch size": {"batch_size": 16},
    "shuffle": {"shuffle": False},
    "learning rate": {"optimizer": partial(SGD, lr=0.2)},
    "optimizer": {"optimizer": partial(Adam, lr=0.1)},
    "momentum": {"optimizer": partial(SGD, lr=0.1, momentum=0.9)},
    "width": {"model": partial(net, width=5)},
    "activation": {"model": partial(net, act=nn.Tanh)},
    "dropout": {"model": partial(net, p=0.1)},
    "code of the model": {"model": Doubling},
    "attribute of the model": {"model": Dropping},
    "same attribute with another value": {"model": partial(Dropping, p=0.6)},
    "a value in the data": {"data": other_data()},
    "label smoothing": {"loss": nn.CrossEntropyLoss(label_smoothing=0.1)},
    "class weights": {"loss": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0]))},
    "loss with a global": {"loss": uses_global},
    "loss with a helper": {"loss": uses_helper},
    "metric": {"metric": lambda out, y: 0.0},
    "another metric": {"metric": lambda out, y: 1.0},
    "penalty": {"penalties": (Penalty("l2", 0.1),)},
    "clipping": {"clip_norm": 1.0},
    "early stopping": {"early_stopping": EarlyStopping(3)},
    "schedule": {"schedule": partial(torch.optim.lr_scheduler.StepLR, step_size=3)},
    "other schedule": {"schedule": partial(torch.optim.lr_scheduler.StepLR, step_size=4)},
    "weights": {"model": nn.Linear(3, 2)},
}


def test_every_change_is_noticed():
    hashes = {"none": code(recipe()), **{n: code(recipe(**c)) for n, c in CHANGES.items()}}
    assert len(set(hashes.values())) == len(hashes)


def test_names_and_labels_are_no_change():
    assert code(recipe(name="other")) == code(recipe())


def test_globals_helpers_and_classes_are_followed(monkeypatch):
    by_global, by_helper = code(recipe(loss=uses_global)), code(recipe(loss=uses_helper))
    by_class = code(recipe(model=Doubling))
    monkeypatch.setitem(globals(), "RATE", 0.2)
    monkeypatch.setitem(globals(), "helper", lambda x: 3 * x)
    monkeypatch.setattr(Doubling, "factor", 3)
    assert code(recipe(loss=uses_global)) != by_global
    assert code(recipe(loss=uses_helper)) != by_helper
    assert code(recipe(model=Doubling)) != by_class


def test_functions_of_ones_own_modules_are_followed(monkeypatch):
    helpers = types.ModuleType("helpers_of_a_user")
    helpers.smooth = helper
    monkeypatch.setitem(sys.modules, "helpers_of_a_user", helpers)
    space = {"__name__": "user", "helpers": helpers}
    exec("def loss(out, y):\n    return helpers.smooth(out).sum()\n", space)
    before = code(recipe(loss=space["loss"]))
    assert code(recipe(loss=space["loss"])) == before
    monkeypatch.setattr(helpers, "smooth", lambda x: 3 * x)
    assert code(recipe(loss=space["loss"])) != before


def test_line_numbers_docstrings_and_file_names_are_no_change():
    sources = (
        "def loss(a, b):\n    return a - b\n",
        "\n\n# moved\ndef loss(a, b):\n    'Told.'\n\n    return a - b\n",
    )
    found = []
    for number, source in enumerate(sources):
        space = {"__name__": "user"}
        exec(compile(source, f"file{number}.py", "exec"), space)
        found.append(Describer().describe(space["loss"]))
    assert found[0] == found[1]


class Lazy(Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return self.rows

    def __getitem__(self, index):
        raise RuntimeError("must not be read for a hash")


def test_data_read_while_training_is_known_by_class_length_and_attributes():
    def of(rows):
        return recipe_facts(recipe(data=Lazy(rows), batch_size=1), Describer())["train data"]

    assert of(5) == of(5)
    assert of(5) != of(6)


class Stream(IterableDataset):
    def __iter__(self):
        raise RuntimeError("must not be read for a hash")


def test_loaders_are_known_by_what_they_load():
    def of(dataset, **options):
        return Describer().describe(DataLoader(dataset, **options))

    rows = TensorDataset(torch.arange(6.0).reshape(3, 2))
    others = TensorDataset(torch.arange(1.0, 7.0).reshape(3, 2))
    found = [
        of(rows, batch_size=2),
        of(rows, batch_size=3),
        of(others, batch_size=2),
        of(rows, batch_size=2, drop_last=True),
        of(Stream(), batch_size=2),
    ]
    assert len(set(found)) == 5
    assert found[0] == of(TensorDataset(torch.arange(6.0).reshape(3, 2)), batch_size=2)


def test_common_data_is_read_once():
    describer, splits = Describer(), data()
    recipe_facts(recipe(data=splits), describer)
    held = len(describer._arrays)
    recipe_facts(recipe(data=splits, steps=13), describer)
    assert len(describer._arrays) == held


def test_arrays_of_all_kinds_have_a_digest():
    values = [
        torch.arange(6).reshape(2, 3).T,
        torch.eye(2).to_sparse(),
        torch.tensor(1.5, dtype=torch.bfloat16),
        np.arange(3.0),
        np.array(["a", None], dtype=object),
        np.float32(2.0),
        torch.empty(0),
    ]
    found = [Describer().describe(value) for value in values]
    assert found == [Describer().describe(value) for value in values]
    assert len(set(found)) == len(values)


def test_what_refers_to_itself_ends():
    loop = []
    loop.append(loop)
    assert "again" in Describer().describe({"a": loop})


def test_what_changed_names_the_facts():
    words = what_changed({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4", "d": "5"})
    assert words == "b was 2 and is 4; d was not set and is 5; c was 3 and is not set"


SCRIPT = """
    import sys
    from functools import partial
    import torch
    from torch import nn
    import torchclinic as tc
    from torchclinic.study.store import recipe_facts, facts_hash
    from torchclinic.study.store.describing import Describer

    WIDTH = 5

    class Net(nn.Module):
        names = frozenset({"alpha", "beta", "gamma", "delta"})
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, WIDTH)
        def forward(self, x):
            return self.layer(x) if "alpha" in {"alpha", "beta", "gamma"} else x

    def make(extra={"k": 1, "l": (2, 3)}):
        return Net()

    recipe = tc.Recipe(
        model=make, data=(torch.ones(4, 3), torch.zeros(4, dtype=torch.long)),
        loss=lambda out, y: nn.functional.cross_entropy(out, y),
        optimizer=lambda p: torch.optim.Adam(p, betas=(0.9, 0.99)), epochs=1,
        metric=lambda out, y: float({"x", "y", "z"} == {"x"}),
        schedule=partial(torch.optim.lr_scheduler.StepLR, step_size=3),
    )
    if __name__ == "__main__" or len(sys.argv) > 1:
        print(facts_hash("a", recipe_facts(recipe, Describer())))
"""


def test_the_hash_is_the_same_in_every_process(tmp_path):
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    commands = [["script.py"], ["-c", "import sys; sys.argv.append('x'); import script"]]
    processes = [
        subprocess.Popen(
            [sys.executable, *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for command, seed in zip(commands, ("1", "2"), strict=True)
    ]
    found = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert found[0]
    assert len(set(found)) == 1


def test_a_claim_of_the_living_is_kept_and_of_the_dead_taken_over(tmp_path):
    slots = [("a", 0), ("a", 1)]
    first, second = Store(tmp_path / "s"), Store(tmp_path / "s")
    assert first.claims.take(slots, lambda slot: False, 1) == (slots[0],)
    assert second.claims.take(slots, lambda slot: False, 9) == (slots[1],)
    assert len(second.claims.held_by_others(slots)) == 1
    claim = json.loads(next((tmp_path / "s/.work/claims").glob("a.seed-0*")).read_text())
    assert claim["pid"] == os.getpid()
    first.close()
    assert second.claims.held_by_others(slots) == ()
    assert second.claims.take(slots, lambda slot: slot == slots[1], 9) == (slots[0],)
    second.close()
