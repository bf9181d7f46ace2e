"""Checkpoint files: whole or not there, never mistaken, never pickle."""

import errno
import json
import math
import multiprocessing
import os
import signal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from torch.optim import SGD, Adam

from torchclinic.core import CheckpointError, EarlyStopping, Penalty, UsageError
from torchclinic.training import Checkpoints, train
from torchclinic.training.checkpoint import pack, read_checkpoint, unpack, write_checkpoint
from training import killable
from training.parts import plain_net, recipe, rich_net, rows, same_weights, split_recipe

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        [
            torch.tensor(1.5),
            torch.zeros(0, 3),
            torch.arange(6).reshape(2, 3).T,
            torch.tensor([True, False]),
            torch.tensor([1.0, math.nan], dtype=torch.bfloat16),
            np.arange(3.0),
        ]
    ),
)
keys = st.one_of(st.text(max_size=4), st.integers(), st.sampled_from(["$tensor", "$tuple"]))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
    ),
    max_leaves=12,
)


def alike(one, two):
    if isinstance(one, torch.Tensor):
        same = torch.equal(one.nan_to_num(7.5), two.nan_to_num(7.5)) if one.numel() else True
        return one.dtype == two.dtype and one.shape == two.shape and same
    if isinstance(one, np.ndarray):
        return np.array_equal(one, two)
    if isinstance(one, dict):
        return list(one) == list(two) and all(alike(one[k], two[k]) for k in one)
    if isinstance(one, list | tuple):
        pairs = zip(one, two, strict=True)
        return type(one) is type(two) and all(alike(a, b) for a, b in pairs)
    return type(one) is type(two) and (one == two or (math.isnan(one) and math.isnan(two)))


@settings(max_examples=150, deadline=None)
@given(values)
def test_packing_round_trips(value):
    tensors, text = pack(value)
    json.loads(text)
    assert alike(value, unpack(tensors, text))


def test_packing_copies():
    weight = torch.zeros(2)
    tensors, text = pack({"w": weight})
    weight += 1
    assert unpack(tensors, text)["w"].tolist() == [0.0, 0.0]


def test_what_cannot_be_kept_is_named():
    with pytest.raises(CheckpointError, match="cannot keep optimizer/hook/0, a function"):
        pack({"optimizer": {"hook": [len.__call__, lambda: 0][1:]}})


def test_file_round_trip_and_previous(tmp_path):
    path = tmp_path / "deep" / "run"
    assert read_checkpoint(path) is None
    for step in range(3):
        write_checkpoint(path, {"step": step, "w": torch.full((2,), float(step))})
    assert read_checkpoint(path)["step"] == 2
    assert sorted(p.name for p in path.parent.iterdir()) == ["run", "run.previous"]
    path.unlink()  # killed between the two renames
    assert read_checkpoint(path)["step"] == 1


def test_it_is_a_safetensors_file(tmp_path):
    train(recipe(optimizer=Adam), checkpoint=tmp_path / "run", max_steps=3)
    with safe_open(tmp_path / "run", framework="pt") as file:
        assert file.metadata()["torchclinic checkpoint"] == "1"
        assert "/run/model/0.weight" in file.keys()  # noqa: SIM118
    assert b"pickle" not in (tmp_path / "run").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "empty", "flip", "flip header", "other"])
def test_a_damaged_file_gives_way_to_the_previous_one(damage, tmp_path):
    path = tmp_path / "run"
    made = recipe(model=rich_net)
    whole = train(made, keep_model=True)
    train(made, checkpoint=Checkpoints(path, steps=4), max_steps=9)
    _damage(path, damage)
    with pytest.warns(UserWarning, match=r"damaged checkpoint, going on from .*previous"):
        run = train(made, checkpoint=Checkpoints(path, steps=4), keep_model=True)
    assert run.history.losses == whole.history.losses
    assert same_weights(run.model, whole.model)
    assert read_checkpoint(path)["run"]["position"] == [3, 0, 15]


@pytest.mark.parametrize("damage", ["cut", "flip", "other"])
def test_two_damaged_files_are_an_error(damage, tmp_path):
    path = tmp_path / "run"
    train(recipe(), checkpoint=path)
    for file in tmp_path.iterdir():
        _damage(file, damage)
    with pytest.raises(CheckpointError, match=r"no whole checkpoint: .*delete it"):
        train(recipe(), checkpoint=path)


def _damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "cut":
        content = content[: len(content) // 2]
    elif how == "empty":
        content = bytearray()
    elif how == "flip":
        content[-3] ^= 1
    elif how == "flip header":
        content[len(content) // 3] ^= 1
    else:
        content = bytearray(b"something else altogether")
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("fields", "seed", "words"),
    [
        ({}, 1, "its seed is 0, here it is 1"),
        ({"batch_size": 8}, 0, "its batch_size is 16, here it is 8"),
        ({"epochs": 9}, 0, "its epochs is 3, here it is 9"),
        ({"clip_norm": 1.0}, 0, "its clip_norm"),
        ({"penalties": (Penalty("l2", 1.0),)}, 0, "its penalties"),
        ({"early_stopping": EarlyStopping()}, 0, "its early_stopping"),
        ({"optimizer": Adam}, 0, "its optimizer is SGD .*'lr', 0.1.*here it is Adam"),
        ({"optimizer": lambda p: SGD(p, lr=0.2)}, 0, "its optimizer is SGD .*'lr', 0.2"),
        ({"model": lambda: plain_net().requires_grad_(True).apply(_nudge)}, 0, "its model is"),
        ({"metric": "mse"}, 0, "its metric is accuracy, here it is mse"),
        ({"loss": torch.nn.functional.cross_entropy}, 0, "its loss is CrossEntropyLoss mean"),
        ({"schedule": lambda o: 1 / 0}, 0, "schedule"),
    ],
)
def test_a_foreign_checkpoint_is_refused(fields, seed, words, tmp_path):
    train(split_recipe(), 0, checkpoint=tmp_path / "run", max_steps=2)
    before = (tmp_path / "run").read_bytes()
    with pytest.raises(Exception, match=words) as caught:
        train(split_recipe(**fields), seed, checkpoint=tmp_path / "run")
    assert isinstance(caught.value, CheckpointError) or "schedule" in fields
    assert (tmp_path / "run").read_bytes() == before


def _nudge(module):
    if isinstance(module, torch.nn.Linear):
        torch.nn.init.constant_(module.bias, 0.5)


def test_other_data_is_refused(tmp_path):
    train(recipe(), checkpoint=tmp_path / "run")
    with pytest.raises(CheckpointError, match="its rows is 70, here it is 71"):
        train(recipe(data=rows(71)), checkpoint=tmp_path / "run")


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    from torchclinic.training.checkpoint import file

    made, path, real = recipe(model=rich_net), tmp_path / "run", file.save_file
    writes = []

    def fails_in_the_end(tensors, target, metadata):
        writes.append(target)
        if len(writes) < 4:
            real(tensors, target, metadata=metadata)
            return
        target.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(file, "save_file", fails_in_the_end)
    words = r"run cannot be written.*No space left on device.*free space.*last good one is"
    with pytest.raises(CheckpointError, match=words):
        train(made, checkpoint=Checkpoints(path, steps=4))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "run.previous"]
    assert len(read_checkpoint(path)["run"]["recorder"]["losses"]) == 8

    monkeypatch.setattr(file, "save_file", real)
    again = train(made, checkpoint=path, keep_model=True)
    whole = train(made, keep_model=True)
    assert again.history.losses == whole.history.losses
    assert same_weights(again.model, whole.model)


def test_a_real_limit_on_the_size_of_files(tmp_path):
    path, ending = tmp_path / "run", tmp_path / "words"
    write_checkpoint(tmp_path / "small", {"a": 1})
    context = multiprocessing.get_context("forkserver")
    worker = context.Process(
        target=killable.work_in_little_space, args=(path, str(ending), 64 * 1024)
    )
    worker.start()
    worker.join(60)
    assert ending.read_text().startswith("CheckpointError: the checkpoint")
    assert [p.name for p in tmp_path.iterdir() if "run" in p.name] == []


@pytest.mark.parametrize("blocked", ["file", "folder"])
def test_a_path_that_cannot_be_written_shows_at_once(blocked, tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    path = tmp_path / "file" / "run" if blocked == "file" else tmp_path / "folder"
    steps = []
    with pytest.raises(CheckpointError, match=r"cannot be written|no whole checkpoint"):
        train(recipe(), checkpoint=path, on_step=lambda *_: steps.append(1))
    assert steps == []


def test_ctrl_c_finishes_the_step_saves_and_raises(tmp_path):
    made, path = recipe(model=rich_net), tmp_path / "run"
    whole = train(made, keep_model=True)

    def step_seven(step, loss):
        if step == 7:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(made, checkpoint=Checkpoints(path, seconds=None), on_step=step_seven)
    assert len(read_checkpoint(path)["run"]["recorder"]["losses"]) == 7
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    again = train(made, checkpoint=path, keep_model=True)
    assert again.history.losses == whole.history.losses
    assert same_weights(again.model, whole.model)


def test_an_interrupt_from_the_callers_hook_is_saved_too(tmp_path):
    def step_seven(step, loss):
        if step == 7:
            raise KeyboardInterrupt

    path = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(recipe(), checkpoint=Checkpoints(path, seconds=None), on_step=step_seven)
    assert len(read_checkpoint(path)["run"]["recorder"]["losses"]) == 7


def test_ctrl_c_in_the_middle_of_a_step_waits(tmp_path):
    path, calls = tmp_path / "run", []

    def step(model, batch):
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return model(batch[0]).square().mean()

    with pytest.raises(KeyboardInterrupt):
        train(recipe(loss=None, step=step), checkpoint=Checkpoints(path, seconds=None))
    assert len(calls) == 3
    assert len(read_checkpoint(path)["run"]["recorder"]["losses"]) == 3


def test_a_second_ctrl_c_strikes_at_once(tmp_path):
    path = tmp_path / "run"

    def step(model, batch):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not reached")

    with pytest.raises(KeyboardInterrupt):
        train(recipe(loss=None, step=step), checkpoint=Checkpoints(path, seconds=None))
    assert len(read_checkpoint(path)["run"]["recorder"]["losses"]) == 0  # the last good one


def test_without_a_checkpoint_ctrl_c_is_pythons_own():
    def step(model, batch):
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not reached")

    with pytest.raises(KeyboardInterrupt):
        train(recipe(loss=None, step=step))


def test_how_often(tmp_path, monkeypatch):
    from torchclinic.training import saver

    written = []
    monkeypatch.setattr(
        saver, "write_checkpoint", lambda path, state: written.append(state["run"]["position"][0:2])
    )
    train(recipe(), checkpoint=Checkpoints(tmp_path / "run", seconds=None, steps=6))
    assert written == [[0, 0], [1, 1], [2, 2], [3, 0]]
    written.clear()
    train(recipe(), checkpoint=tmp_path / "run")
    assert written == [[0, 0], [3, 0]]
    written.clear()
    train(recipe(), checkpoint=Checkpoints(tmp_path / "run", seconds=1e-9))
    assert len(written) == 2 + 15 + 3  # begin, end, each step, each epoch
    with pytest.raises(UsageError, match="every 0 steps"):
        Checkpoints(tmp_path, steps=0)


def test_checkpoints_change_nothing(tmp_path):
    made = split_recipe(model=rich_net)
    plain = train(made, keep_model=True)
    saved = train(made, checkpoint=Checkpoints(tmp_path / "run", steps=1), keep_model=True)
    assert plain.history.losses == saved.history.losses
    assert plain.history.evaluations == saved.history.evaluations
    assert same_weights(plain.model, saved.model)
