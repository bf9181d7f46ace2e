"""`torchclinic compare`: studies from TOML and Python, exit codes, resume."""

import json

import pytest
from typer.testing import CliRunner

from torchclinic.cli.app import app
from torchclinic.cli.study_file import read_study
from torchclinic.core import RecipeError, UsageError

ARMS = """
from functools import partial
import torch
from torch import nn
import torchclinic as tc

def net(act=nn.ReLU, width=4):
    return nn.Sequential(nn.Linear(3, width), act(), nn.Linear(width, 2))

x = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
y = (x[:, 0] > 0).long()
recipe = tc.Recipe(
    model=net, data=tc.Splits(train=(x[:30], y[:30]), validation=(x[30:], y[30:])),
    loss=nn.CrossEntropyLoss(), optimizer=partial(torch.optim.SGD, lr=0.1), steps=8,
    metric="accuracy", name="net",
)
arms = {"relu": recipe, "tanh": recipe.replace(model=partial(net, nn.Tanh))}

def other_arms():
    return tc.study.grid(recipe, batch_size=[4, 8])

nothing = 3
"""
STUDY = """
recipe = "my_arms.py:recipe"
seeds = 3
engine = "sequential"
baseline = "fast"
[arms.plain]
[arms.fast]
optimizer.lr = 0.5
[arms.tanh]
"model.act" = "@torch.nn.Tanh"
batch_size = 16
"""
FAST = ("--engine", "sequential")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "my_arms.py").write_text(ARMS)
    (tmp_path / "study.toml").write_text(STUDY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args):
    return CliRunner().invoke(app, ["compare", *args])


def test_arms_of_a_python_file(folder):
    done = run("my_arms.py", "--seeds", "2", *FAST, "-o", "out.csv")
    assert done.exit_code == 0, done.output
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "relu" in done.stdout
    assert "tanh" in done.stdout
    assert "runs: 4 of 4" in done.stderr
    assert len((folder / "out.csv").read_text().splitlines()) == 5


def test_a_study_file_and_its_flags(folder):
    done = run("study.toml", "--seeds", "2", "-o", "out.json")
    assert done.exit_code == 0, done.output
    found = json.loads((folder / "out.json").read_text())
    text = json.dumps(found)
    assert all(f'"{arm}"' in text for arm in ("plain", "fast", "tanh"))
    assert "Against fast" in done.stdout


def test_a_study_file_is_read_as_written(folder):
    asked = read_study("study.toml", None)
    assert (asked["seeds"], asked["baseline"]) == (3, "fast")
    plain, fast, tanh = (arm.recipe for arm in asked["arms"].values())
    assert fast.optimizer.keywords["lr"] == 0.5
    assert plain.optimizer.keywords["lr"] == 0.1
    assert (type(tanh.model()[1]).__name__, tanh.batch_size) == ("Tanh", 16)


def test_a_grid_and_a_list_of_arms(folder):
    (folder / "g.toml").write_text(
        'recipe = "my_arms.py:recipe"\n[grid]\noptimizer.lr = [0.1, 1.0]\nbatch_size = [4, 8]\n'
    )
    assert len(read_study("g.toml", None)["arms"]) == 4
    (folder / "l.toml").write_text(
        'recipe = "my_arms.py"\n[[arms]]\nname = "a"\n[[arms]]\nname = "b"\nbatch_size = 4\n'
    )
    assert list(read_study("l.toml", None)["arms"]) == ["a", "b"]


def test_functions_and_names(folder):
    assert list(read_study("my_arms.py:other_arms", None)["arms"]) == [
        "batch_size=4",
        "batch_size=8",
    ]
    data = read_study("my_arms.py", "digits")["arms"]["relu"].splits
    assert data.name == "digits"
    data = read_study("my_arms.py:other_arms", "digits")["arms"]["batch_size=4"].recipe.splits
    assert data.name == "digits"


def test_the_html_report(folder):
    done = run("my_arms.py", "--seeds", "2", *FAST, "-o", "compare.html")
    assert done.exit_code == 0, done.output
    assert "<html" in (folder / "compare.html").read_text()
    assert "compare.html" in done.stdout


def test_resume_goes_on_and_no_resume_refuses(folder):
    assert run("my_arms.py", "--seeds", "2", *FAST, "--resume").exit_code == 0
    again = run("my_arms.py", "--seeds", "3", *FAST, "--store", "my_arms.study")
    assert again.exit_code == 0
    assert "4 were there" in again.stderr
    refused = run("my_arms.py", *FAST, "--store", "my_arms.study", "--no-resume")
    assert refused.exit_code == 2
    assert "holds a study already" in refused.stderr


def test_quiet_says_nothing_on_stderr(folder):
    done = CliRunner().invoke(app, ["-q", "compare", "my_arms.py", "--seeds", "2", *FAST])
    assert done.exit_code == 0
    assert done.stderr == ""


BAD = {
    "key": ("seed = 3\n" + STUDY, "'seed'"),
    "type": (STUDY.replace("seeds = 3", 'seeds = "3"'), "seeds is '3'"),
    "flag": (STUDY.replace("seeds = 3", "seeds = true"), "seeds is True"),
    "field": (STUDY.replace("optimizer.lr", "optimizer.rate"), "'optimizer.rate'"),
    "arm": (STUDY.replace("[arms.plain]", "arms.plain = 3"), "arms.plain is 3"),
    "import": (STUDY.replace("@torch.nn.Tanh", "@torch.nn.Tan"), "arms.tanh.model.act"),
    "no module": (STUDY.replace("@torch.nn.Tanh", "@Tanh"), "arms.tanh.model.act"),
    "recipe": (STUDY.replace("recipe =", "name ="), "recipe is None"),
    "no file": (STUDY.replace("my_arms.py", "none.py"), "none.py"),
    "no arms": ('recipe = "my_arms.py:recipe"\n', "arms is None"),
    "both": (STUDY + "[grid]\nbatch_size = [1]\n", "both grid and arms"),
    "axis": ('recipe = "my_arms.py:recipe"\n[grid]\nbatch_size = 3\n', "'batch_size'"),
    "baseline": (STUDY.replace('"fast"', '"slow"'), "'slow'"),
    "toml": ("seeds = \n", "line 1"),
    "twice": ('recipe = "my_arms.py:recipe"\n[[arms]]\nname = "a"\n[[arms]]\nname = "a"\n', "'a'"),
}


@pytest.mark.parametrize("case", BAD)
def test_mistakes_in_a_study_file_quote_the_key(folder, case):
    text, said = BAD[case]
    (folder / "bad.toml").write_text(text)
    done = run("bad.toml")
    assert done.exit_code == 2
    assert said in done.stderr
    assert "way out" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "args",
    [
        ("none.toml",),
        ("none.py",),
        ("my_arms.py:none",),
        ("my_arms.py:nothing",),
        ("my_arms.py", "--engine", "quantum"),
        ("my_arms.py", "--seeds", "0"),
        ("my_arms.py", "--budget", "lots"),
        ("my_arms.py", "--metric", "f1"),
        ("my_arms.py", "--baseline", "x"),
        ("my_arms.py", "--address", "here", "--engine", "sequential"),
        ("my_arms.py", "-o", "none/compare.html"),
        ("my_arms.py", "--what"),
        ("my_arms.py", "--seeds", "many"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_exit_code_2(folder, args):
    done = run(*args)
    assert done.exit_code == 2
    assert "rror" in done.stderr


def test_an_interrupt_shows_what_is_finished(folder, monkeypatch):
    (folder / "stops.py").write_text(
        ARMS + "\ncalls = []\ndef step(model, batch):\n    calls.append(1)\n"
        "    if len(calls) > 20:\n        raise KeyboardInterrupt\n"
        "    return nn.functional.cross_entropy(model(batch[0]), batch[1])\n"
        "arms = {n: recipe.replace(loss=None, step=step, metric=None) for n in ('a', 'b')}\n"
    )
    monkeypatch.setattr("torchclinic.engine.sequential.available_cores", lambda: 1)
    done = run("stops.py", "--seeds", "4", *FAST, "--store", "kept", "--split", "train")
    assert done.exit_code == 130
    assert "goes on from kept" in done.stderr
    assert "loss (train)" in done.stdout


def test_readers_raise_typed_errors(folder):
    with pytest.raises(UsageError):
        read_study("none.toml", None)
    with pytest.raises(RecipeError, match="no 'none'"):
        read_study("my_arms.py:none", None)
