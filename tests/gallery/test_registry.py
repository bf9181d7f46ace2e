"""All experiments: what their files say of themselves, and that they can be listed for nothing."""

import ast
import importlib
import inspect
import re
import subprocess
import sys

import pytest

from torchclinic.core import UsageError
from torchclinic.gallery import GALLERY, Settings
from torchclinic.gallery.experiment import read_experiment
from torchclinic.gallery.registry import PACKAGE

MEMBERS = GALLERY.members()
PRIVATE = ("torchclinic.gallery._", "torchclinic.training._", "torchclinic.engine.sequential")


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_a_file_says_what_it_is(member):
    assert member.title
    assert not member.title.endswith(".")
    assert len(member.title) <= 80
    assert member.question.endswith("?")
    assert re.search(r"\b00[0-4]\b", member.source)
    assert len(member.text) > 100
    assert 1 <= member.number <= 24
    parameters = inspect.signature(importlib.import_module(member.module).run).parameters
    assert list(parameters) == ["settings"]


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_a_file_prints_nothing_and_never_seeds_globally(member):
    tree = ast.parse(inspect.getsource(importlib.import_module(member.module)))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {func.id for func in calls if isinstance(func, ast.Name)}
    dotted = {ast.unparse(func) for func in calls if isinstance(func, ast.Attribute)}
    assert "print" not in names
    assert not {"torch.manual_seed", "np.random.seed", "random.seed"} & dotted
    assert not any("pyplot" in name for name in dotted)


def test_they_stand_in_the_order_of_their_numbers():
    numbers = [member.number for member in MEMBERS]
    assert numbers == sorted(numbers)
    assert {1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 21, 22} <= set(numbers)


def test_listing_imports_neither_torch_nor_matplotlib():
    code = (
        "import sys; from torchclinic.gallery import GALLERY; from torchclinic.gallery.text import "
        "listing; listing(GALLERY.members()); print('torch' in sys.modules, "
        "'matplotlib' in sys.modules, 'numpy' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False", "False"]


def test_every_file_is_a_member():
    folder = importlib.import_module(PACKAGE).__path__[0]
    from pathlib import Path

    files = {p.stem for p in Path(folder).glob("*.py") if not p.name.startswith("_")}
    assert {member.name.replace("-", "_") for member in MEMBERS} == files


def test_a_docstring_without_a_field_is_refused(tmp_path):
    file = tmp_path / "lacking.py"
    file.write_text('"""Title.\n\n:number: 1\n:source: 000\n"""\n', "utf-8")
    with pytest.raises(UsageError, match=r"lacking\.py has no field :question:"):
        read_experiment(file, "p")


@pytest.mark.parametrize("wrong", [{"data": "cifar"}, {"seeds": 0}])
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(UsageError):
        Settings(**wrong)
