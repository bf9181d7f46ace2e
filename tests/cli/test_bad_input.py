"""Bad input: a typed error or a finding that names the value, exit code 2 or 1, no traceback."""

import subprocess
import sys

import pytest

HEADER = """
from functools import partial
import torch
from torch import nn
import torchclinic as tc

x = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
y = (x.sum(1) > 0).long()
fields = dict(
    model=lambda: nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)),
    loss=nn.CrossEntropyLoss(), optimizer=partial(torch.optim.Adam, lr=1e-2),
    data=(x, y), batch_size=20, epochs=10, metric="accuracy",
)
"""

# name -> (change of the fields, words that must be said, exit codes allowed)
CASES = {
    "forward raises": (
        "fields['model'] = lambda: nn.Sequential(nn.Linear(5, 2))",
        ("4", "5"),
        (2,),
    ),
    "factory raises": ("fields['model'] = lambda: 1 / 0", ("ZeroDivisionError",), (2,)),
    "factory returns no module": ("fields['model'] = lambda: 'net'", ("str",), (2,)),
    "labels out of range": ("fields['data'] = (x, y + 1)", ("2",), (1, 2)),
    "NaN in the data": ("x[3, 1] = float('nan')", ("NaN",), (1,)),
    "an empty loader": (
        "fields['data'] = torch.utils.data.DataLoader([], batch_size=4)",
        ("empty",),
        (2,),
    ),
    "a loss that returns a vector": (
        "fields['loss'] = nn.CrossEntropyLoss(reduction='none')",
        ("scalar",),
        (2,),
    ),
    "no trainable parameters": (
        "fields['model'] = lambda: nn.Sequential(nn.Flatten(), nn.ReLU())",
        ("parameter",),
        (2,),
    ),
    "an optimizer over other parameters": (
        "other = nn.Linear(2, 2)\nfields['optimizer'] = "
        "lambda p: torch.optim.SGD(other.parameters(), lr=0.1)",
        ("optimizer",),
        (1, 2),
    ),
    "an optimizer factory that raises": (
        "fields['optimizer'] = lambda p: torch.optim.SGD(p, lr=-1.0)",
        ("-1",),
        (2,),
    ),
    "an unknown metric": ("fields['metric'] = 'beauty'", ("beauty", "accuracy"), (2,)),
}


def torchclinic(*args, cwd):
    return subprocess.run(
        [sys.executable, "-m", "torchclinic", *args],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        check=False,
    )


def write(tmp_path, change=""):
    path = tmp_path / "case.py"
    path.write_text(f"{HEADER}\n{change}\nrecipe = tc.Recipe(**fields)\n")
    return "case.py"


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_named(tmp_path, name):
    change, words, codes = CASES[name]
    done = torchclinic("diagnose", write(tmp_path, change), cwd=tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode in codes, said
    assert "Traceback" not in said
    for word in words:
        assert word.lower() in said.lower(), said
    if done.returncode == 2:
        assert "error:" in done.stderr


def test_debug_shows_the_traceback(tmp_path):
    change = CASES["forward raises"][0]
    done = torchclinic("--debug", "diagnose", write(tmp_path, change), cwd=tmp_path)
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("diagnose", "nowhere.py"), "nowhere.py"),
        (("diagnose", "empty.py"), "holds no Recipe"),
        (("diagnose", "case.py:nothing"), "nothing"),
        (("diagnose", "case.py", "-o", "no/such/folder/x.json"), "no/such/folder"),
        (("repair", "case.py", "-o", "."), "folder"),
        (("repair", "case.py", "--budget", "plenty"), "plenty"),
        (("repair", "case.py", "--seeds", "1"), "1"),
        (("diagnose", "case.py", "--data", "imagenet"), "imagenet"),
        (("diagnose", "case.py", "--share", "0"), "0"),
        (("explain", "XYZ999"), "XYZ999"),
        (("explain",), "code"),
        (("no-such-command",), "no-such-command"),
    ],
)
def test_wrong_use_is_exit_code_2(tmp_path, args, said):
    write(tmp_path)
    (tmp_path / "empty.py").write_text("x = 1\n")
    done = torchclinic(*args, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
