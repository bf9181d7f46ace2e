"""Planted experiments: a package on disk, as the gallery's own is one."""

from pathlib import Path

import pytest

from torchclinic.gallery import Claim, Judgement, Result
from torchclinic.gallery.experiment import read_experiment
from torchclinic.gallery.result import Drawing

GOOD = '''"""A planted experiment.

:number: 1
:question: Does it
    run?
:source: 000, a section
:minutes: 1

Some text.
"""
import numpy as np

from torchclinic.core import Series
from torchclinic.gallery import Animation, Outcome, Picture, judge
from torchclinic.gallery.style import band, figure, label_ends


def run(settings):
    settings.tell(0.5, "half way")
    drawn, ((axes,),) = figure("A finding", "what is drawn")
    band(axes, [1, 2, 3], np.array([[1.0, 2.0, 3.0], [2.0, 3.0, np.nan]]), label="a curve")
    label_ends(axes)
    moving, ((panel,),) = figure("It moves", width=3, height=2)
    (line,) = panel.plot([0, 1], [0, 1])
    return Outcome(
        claims=(judge("It holds.", source="000", measure="x", values=[1.0, 1.1], above=0.0),),
        numbers={"x": 1.0, "lost": float("nan"), "name": "text"},
        pictures=(Picture("still", drawn, "A curve."),),
        animations=(Animation("move", moving, lambda f: line.set_ydata([0, f]), 3, "A line."),),
        series={"group/x": Series((1, 2), (0.5, float("inf")))},
        notes=("A note.",),
    )
'''
BAD = '''"""A failing one.

:number: 2
:question: Why?
:source: 001
:minutes: 2
"""


def run(settings):
    raise ValueError("planted")
'''
STOP = BAD.replace('ValueError("planted")', "KeyboardInterrupt").replace(":number: 2", ":number: 3")
RAISES = 'raise ValueError("planted")'
NOTED = BAD.replace(
    RAISES,
    """import os

    from torchclinic.engine.cores import available_cores
    from torchclinic.gallery import Outcome

    return Outcome(claims=(), numbers={"cores": available_cores(), "pid": os.getpid()})""",
).replace(":number: 2", ":number: 4")
KILLED = BAD.replace(RAISES, "import os\n\n    os.kill(os.getpid(), 9)")
SLOW = BAD.replace(
    RAISES,
    """import os
    import pathlib

    with (pathlib.Path(__file__).parent.parent / "pids").open("a") as file:
        file.write(f"{os.getpid()}\\n")
    while True:
        sum(range(1000))""",
)
PLANTED = {
    "good_one": GOOD, "bad_one": BAD, "stopped_one": STOP, "noted_one": NOTED,
    "killed_one": KILLED, "slow_one": SLOW, "slow_two": SLOW,
}  # fmt: skip


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Name -> experiment: one that works, one that raises, one that is interrupted, ..."""
    package = tmp_path / "planted_gallery"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = {}
    for name, text in PLANTED.items():
        file = Path(package / f"{name}.py")
        file.write_text(text, "utf-8")
        found[name.split("_")[0]] = read_experiment(file, "planted_gallery")
    yield found
    import sys

    for module in [name for name in sys.modules if name.startswith("planted_gallery")]:
        del sys.modules[module]


@pytest.fixture
def planted_result():
    """A result with one claim of each judgement."""
    claims = tuple(
        Claim(f"Sentence <{j.value}>.", "000", "m", 1.0, 0.5, 1.5, "above 0", j, "why " * 30)
        for j in Judgement
    )
    return Result(
        experiment="planted-one", number=7, title="A title & more", question="What?",
        source="000", data="digits", seeds=(0, 1), fast=True, claims=claims,
        numbers={"x": 1.0}, series={}, drawings=(Drawing("p", "c", ("p.png", "p.svg")),),
        notes=("A note.",), seconds=1.0, versions={"torch": "2"},
    )  # fmt: skip
