import dataclasses
import io
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from render import sample, snapshot
from torchclinic.core import Diagnosis, Evidence, Finding, Level, Stage
from torchclinic.render import render_diagnosis_text, render_repair_text
from torchclinic.render.console.repair import OVERRUN
from torchclinic.render.console.sheet import Sheet, to_ascii
from torchclinic.render.console.terminal import Terminal, detect

REPAIRS, DIAGNOSES = sample.all_repairs(), sample.all_diagnoses()
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def text_of(value, **options):
    render = render_diagnosis_text if isinstance(value, Diagnosis) else render_repair_text
    return render(value, **{"color": False, "unicode": True, **options})


EVERYTHING = [*REPAIRS.items(), *((f"d-{k}", v) for k, v in DIAGNOSES.items())]
each = pytest.mark.parametrize("value", [v for _, v in EVERYTHING], ids=[k for k, _ in EVERYTHING])


@pytest.mark.parametrize("name", ["repaired", "not-repaired", "healthy", "one-seed", "nan", "deep"])
def test_a_repair_looks_as_it_did(name):
    snapshot.check(f"repair-{name}.txt", text_of(REPAIRS[name], report="report.html"))


@pytest.mark.parametrize("name", list(DIAGNOSES))
def test_a_diagnosis_looks_as_it_did(name):
    snapshot.check(f"diagnosis-{name}.txt", text_of(DIAGNOSES[name]))


def test_ascii_looks_as_it_did():
    snapshot.check("repair-ascii.txt", text_of(REPAIRS["repaired"], unicode=False))


@each
def test_one_screen_of_eighty_columns(value):
    report = {} if isinstance(value, Diagnosis) else {"report": "report.html"}
    lines = text_of(value, **report).splitlines()
    assert len(lines) <= 45 + OVERRUN
    assert max(cell_len(line) for line in lines) <= 80


def test_whole_code_is_worth_a_few_lines_but_no_more():
    for count in (1, 5, 10, 14, 18, 22, 60):
        code = "\n".join(f"line_{i} = {i}" for i in range(count))
        text = text_of(dataclasses.replace(REPAIRS["repaired"], patch=code))
        whole = f"line_{count - 1} = " in text
        assert whole != ("more lines: repair.patch" in text)
        assert whole or len(text.splitlines()) <= 45
        assert len(text.splitlines()) <= 45 + OVERRUN
        assert whole or count > 10


@each
def test_ascii_where_the_terminal_knows_nothing_else(value):
    assert text_of(value, unicode=False).isascii()


@each
@pytest.mark.parametrize("width", [40, 57, 120])
def test_other_widths(value, width):
    code = set(getattr(value, "patch", "").splitlines())
    lines = [line for line in text_of(value, width=width).splitlines() if line not in code]
    assert max(cell_len(line) for line in lines) <= width


@each
def test_colour_changes_nothing_but_the_colour(value):
    colored = text_of(value, color=True)
    assert "\x1b[" in colored
    stripped = [line.rstrip() for line in ESCAPE.sub("", colored).splitlines()]
    assert stripped == text_of(value).splitlines()


def test_the_story_is_complete():
    text = text_of(REPAIRS["repaired"], report="out/report.html", lines=60)
    for part in (
        "REPAIRED", "0.099 → 0.964", "GRD101", "vanishing gradient", "fc1", "2.4e-7",
        "A sigmoid's slope", "Explains: plateau and update ratio", "control: plain re-run",
        "control: random remedy", "unchanged", "chosen", "6 seeds", "(0.093 to 0.107)",
        "95 % interval", "p = 0.031", "lr=0.052", "out/report.html", "Cost  38 s",
    ):  # fmt: skip
        assert part in text
    assert all(line in text for line in sample.PATCH.splitlines() if line)


def test_code_that_does_not_fit_says_how_much_is_left_out():
    text = text_of(REPAIRS["repaired"], lines=20)
    assert re.search(r"# \d+ more lines: repair.patch, or the report", text)
    assert "import torch" in text


def test_a_healthy_diagnosis_takes_two_lines():
    lines = text_of(DIAGNOSES["healthy"]).splitlines()
    assert len(lines) == 2
    assert "healthy" in lines[0]
    assert "learning rate" in lines[1]


def test_notes_of_a_healthy_diagnosis_are_told():
    noted = dataclasses.replace(DIAGNOSES["healthy"], findings=(sample.hint(),) * 8)
    text = text_of(noted)
    assert text.count("DAT101") == 6
    assert "2 more notes" in text


def test_many_findings_are_told_shortly():
    many = dataclasses.replace(sample.diagnosis(), findings=(sample.vanishing(),) * 6)
    text = text_of(many)
    assert "Further findings" in text
    assert text.count("GRD101") == 6
    assert len(text.splitlines()) <= 45


def test_a_finding_about_data_shows_no_layers():
    finding = dataclasses.replace(sample.hint(), level=Level.ERROR)
    text = text_of(dataclasses.replace(sample.diagnosis(), findings=(finding,)))
    assert "gradient RMS" not in text
    assert "6.02, trouble above 2" in text


HOSTILE = st.text(st.characters(), min_size=1, max_size=80)


@settings(max_examples=40, deadline=None)
@given(HOSTILE, st.booleans())
@example("\u00b8", False)  # plain ASCII has nothing for it
def test_no_name_can_break_out_of_its_line(name, unicode):
    finding = Finding(
        "X1", "a-rule", Level.ERROR, name, name, (Evidence(name, 1.0, 2.0, layer=name),),
        Stage.DATA, layers=(name,), remedies=(name,),
    )  # fmt: skip
    text = text_of(Diagnosis((finding,), name=name, notes=(name,)), unicode=unicode)
    assert "\x1b" not in text
    assert all(cell_len(line) <= 80 for line in text.split("\n"))
    assert len(text.split("\n")) < 45


@pytest.mark.parametrize(
    "name", ["[bold red]x[/]", "\x1b[31mfc1", "a\nb\rc", "\u202egnp.exe", "名前" * 40]
)
def test_markup_and_control_characters_are_only_text(name):
    diagnosis = dataclasses.replace(sample.diagnosis((name, "b", "out")), name=name)
    text = text_of(diagnosis)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert all(cell_len(line) <= 80 for line in text.splitlines())
    if name.startswith("[bold"):
        assert "[bold red]x[/]" in text


class Stream(io.StringIO):
    def __init__(self, encoding, tty):
        super().__init__()
        self._encoding, self._tty = encoding, tty

    @property
    def encoding(self):
        return self._encoding

    def isatty(self):
        return self._tty


@pytest.mark.parametrize(
    ("environment", "tty", "color"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_when_there_is_colour(environment, tty, color):
    assert detect(stream=Stream("utf-8", tty), environment=environment).color is color


@pytest.mark.parametrize(
    ("encoding", "unicode"),
    [
        ("utf-8", True),
        ("ascii", False),
        ("latin-1", False),
        ("cp437", False),
        (None, True),
        ("x", False),
    ],
)
def test_when_there_are_block_characters(encoding, unicode):
    assert detect(stream=Stream(encoding, tty=False), environment={}).unicode is unicode


def test_what_was_asked_for_wins():
    found = detect(
        10, True, False, stream=Stream("utf-8", tty=False), environment={"NO_COLOR": "1"}
    )
    assert found == Terminal(40, color=True, unicode=False)


def test_standard_output_is_asked_by_default(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in render_diagnosis_text(Diagnosis())


@given(st.text())
def test_ascii_of_anything(text):
    assert to_ascii(text).isascii()


@given(st.text(st.characters()), st.integers(0, 30))
def test_fitted_text_has_the_width(text, width):
    assert cell_len(Sheet(Terminal()).fit(text, width)) in (width, max(width, 1))
