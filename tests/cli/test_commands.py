"""Commands that list and explain, output formats, exit codes."""

import json
import subprocess
import sys
import time

import pytest

from torchclinic import REMEDIES, RULES

SICK = """
from functools import partial
import torch
from torch import nn
import torchclinic as tc

recipe = tc.Recipe(
    name="softmax twice", model=lambda: nn.Sequential(nn.Linear(64, 32), nn.ReLU(),
    nn.Linear(32, 10), nn.Softmax(dim=1)), loss=nn.CrossEntropyLoss(),
    optimizer=partial(torch.optim.SGD, lr=0.05), data=tc.data.digits(), epochs=5, metric="accuracy",
)
"""


def torchclinic(*args, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "torchclinic", *args],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=200,
        check=False,
    )


def test_help_is_quick_and_imports_no_torch():
    start = time.perf_counter()
    done = torchclinic("--help")
    assert done.returncode == 0
    assert "diagnose" in done.stdout
    assert time.perf_counter() - start < 2.0  # 0.15 s on an idle machine
    code = "import sys, torchclinic.cli; print('torch' in sys.modules, 'scipy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]


def test_every_rule_is_listed_and_explained():
    listed = torchclinic("rules").stdout
    for rule in RULES.members():
        assert rule.code in listed
        assert rule.name in listed
    shown = torchclinic("explain", "grd101")
    assert shown.returncode == 0
    for heading in ("What it does", "Why is this bad?", "References"):
        assert heading in shown.stdout


def test_every_remedy_is_listed():
    listed = torchclinic("remedies").stdout
    assert all(name in listed for name in REMEDIES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("sick")
    (place / "sick.py").write_text(SICK)
    return place


def test_findings_are_exit_code_1_and_json_is_json(folder):
    done = torchclinic("-q", "diagnose", "sick.py", "--output-format", "json", cwd=folder)
    assert done.returncode == 1
    assert done.stderr == ""
    shown = json.loads(done.stdout)
    assert shown["findings"][0]["code"] == "LOS101"


def test_ignored_findings_do_not_fail(folder):
    codes = ",".join(rule.code[:3] for rule in RULES.members())
    done = torchclinic("-q", "diagnose", "sick.py", "--ignore", codes, cwd=folder)
    assert done.returncode == 0, done.stdout
    assert torchclinic("-q", "diagnose", "sick.py", "--exit-zero", cwd=folder).returncode == 0


def test_console_output_fits_80_columns(folder):
    done = torchclinic("-q", "diagnose", "sick.py", cwd=folder)
    assert "LOS101" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("method", ["ramp", "fresh"])
def test_find_lr_suggests_a_rate(folder, method):
    done = torchclinic("-q", "find-lr", "sick.py", "--seeds", "1", "--method", method, cwd=folder)
    assert done.returncode in (0, 1)
    assert "learning rate" in done.stdout.lower()
