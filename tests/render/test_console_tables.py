import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render import sample, snapshot
from torchclinic.core import LRRange
from torchclinic.render import (
    RemedyRow,
    RuleRow,
    render_lr_range_text,
    render_remedies_table,
    render_rule_explanation,
    render_rules_table,
)

PLAIN = {"color": False, "unicode": True}
RULES = [
    RuleRow("DAT101", "unscaled-inputs", "Inputs are far from mean 0."),
    RuleRow(
        "GRD101",
        "vanishing-gradient",
        "The first layers get far less gradient than the last ones and their weights do not move.",
    ),
]
REMEDIES = [
    RemedyRow("warm-up", "safe", "linear warm-up of the learning rate"),
    RemedyRow("relu-activations", "unsafe", "ReLU for saturating activations"),
]
PAGE = """GRD101 vanishing-gradient

    ## What it does
    Compares the **gradient** of the first layers with that of the last ones, in one long line.

    ## Example
    ```python
    model = nn.Sequential(nn.Linear(784, 100), nn.Sigmoid())  # a line that is never wrapped, ever
    ```

    Use instead
    -----------
    - a list item that is long enough to be wrapped over the right margin of a terminal
    - see [the paper](arXiv 1502.01852)

        indented = "code"

    The end.
"""


def test_tables_look_as_they_did():
    snapshot.check(
        "registries.txt",
        "\n\n".join(
            [
                render_rules_table(RULES, **PLAIN),
                render_remedies_table(REMEDIES, **PLAIN),
                render_rules_table(RULES, width=44, **PLAIN),
            ]
        ),
    )


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_tables_hold_every_word_at_any_width(width):
    table = render_rules_table(RULES, width=width, **PLAIN)
    assert all(len(line) <= width for line in table.splitlines())
    words = set(re.findall(r"\w+", " ".join(cell for row in RULES for cell in row)))
    assert words <= set(re.findall(r"\w+", table))


def test_plain_tuples_are_rows_too():
    assert "abc" in render_remedies_table([("abc", "safe", "t")], **PLAIN)
    assert render_rules_table([], **PLAIN).startswith("code")


def test_an_explanation_looks_as_it_did():
    snapshot.check("explanation.txt", render_rule_explanation(PAGE, **PLAIN))


def test_code_of_an_explanation_is_not_wrapped():
    text = render_rule_explanation(PAGE, width=60, **PLAIN)
    assert "    model = nn.Sequential(nn.Linear(784, 100), nn.Sigmoid())  # a line that is" in text
    assert '    indented = "code"' in text
    assert "```" not in text
    assert "**" not in text


@given(st.text())
def test_any_text_can_be_explained(text):
    assert "\x1b" not in render_rule_explanation(text, **PLAIN)


def test_a_range_test_looks_as_it_did():
    snapshot.check(
        "lr-range.txt",
        render_lr_range_text(sample.lr_range(), **PLAIN)
        + "\n\n"
        + render_lr_range_text(sample.lr_range(), color=False, unicode=False),
    )


@pytest.mark.parametrize(
    "lr_range",
    [
        LRRange(),
        LRRange((0.1,), (1.0,), (1.0,), (1.0,)),
        LRRange((0.1, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0), {"valley": 0.2}),
        LRRange((0.1, 1.0), (math.nan, math.nan), (0.0, 0.0), (0.0, 0.0)),
        LRRange((0.1, 1.0), (1.0, math.inf), (1.0, 1.0), (1.0, 1.0), configured=50.0),
        LRRange((1e-3, 1e-2), (-2.0, -3.0), (-2.0, -3.0), (-2.0, -3.0), {"a": 2e-3}, 5e-3),
    ],
)
def test_poor_range_tests_are_told_too(lr_range):
    for unicode in (True, False):
        text = render_lr_range_text(lr_range, color=False, unicode=unicode)
        assert text.startswith("Learning-rate range test")
        assert all(len(line) <= 80 for line in text.splitlines())


def test_the_marks_stand_at_their_rates():
    lines = render_lr_range_text(sample.lr_range(), color=False, unicode=False).splitlines()
    axis = next(line for line in lines if "^" in line)
    left = axis.index("+") + 1
    span = len(axis) - left - 1
    for mark, rate in (("c", 1e-3), ("^", 0.052)):
        share = (math.log10(rate) + 5) / 6.2
        assert axis.index(mark) - left == pytest.approx(share * span, abs=1)


def test_the_ends_of_a_cyclic_schedule_are_told_where_they_are_known():
    told = replace(sample.lr_range(), bounds={"descent/6": 3e-4, "minimum/10": 0.04})
    text = render_lr_range_text(told, color=False)
    assert "  cyclic between 0.0003 and 0.04\n" in text
    assert "cyclic" not in render_lr_range_text(sample.lr_range(), color=False)
