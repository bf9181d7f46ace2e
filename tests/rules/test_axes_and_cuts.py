"""When views that mix axes and states that are cut off are told, and how loudly."""

from dataclasses import replace

import pytest

from rules.healthy_cases import digits_mlp
from rules.sick_cases import (
    axes_mixed,
    broadcasting,
    crosstalk,
    overfits,
    random_evaluation,
    state_detached,
    stuck,
    with_batch,
)
from torchclinic.core import ChanceFacts, CutFacts, Level, MeetingFacts, RegroupFacts
from torchclinic.rules import judge

COLUMNS = RegroupFacts("net.py:7: x = x.view(len(x), 6, 10)", (10, 6), (6, 10))
ROWS = RegroupFacts("net.py:9: x = x.view(len(x), -1)", (2, 7, 8), (7, 16), rows=True)


def named(case, code):
    return next((f for f in judge(case).flat() if f.code == code), None)


@pytest.mark.parametrize(
    ("case", "level"), [(stuck, Level.ERROR), (overfits, Level.WARNING), (digits_mlp, Level.INFO)]
)
@pytest.mark.parametrize("code", ["WIR114", "WIR115"])
def test_the_level_is_that_of_the_harm(case, level, code):
    sick = axes_mixed() if code == "WIR114" else state_detached()
    case = with_batch(case(), regrouped=sick.batch.regrouped, cut=sick.batch.cut)
    found = named(case, code)
    assert found.level is level


def test_a_view_that_mixes_rows_comes_first_and_explains_that_rows_meet():
    case = with_batch(crosstalk(), regrouped=(COLUMNS, ROWS))
    first, *rest = judge(case).findings
    assert first.code == "WIR114"
    assert ROWS.line in first.explanation
    assert "1 other line" in first.explanation
    assert "WIR106" in {f.code for f in first.consequences}
    assert "WIR106" not in {f.code for f in rest}


def test_axes_that_were_laid_into_one_are_told_as_such():
    view = replace(ROWS, merged=True)
    assert (
        "laid into one as (2, 7, 8)"
        in named(with_batch(stuck(), regrouped=(view,)), "WIR114").explanation
    )


@pytest.mark.parametrize(
    ("cut", "loud"),
    [
        (CutFacts(12, 1, tuple((t, t + 1) for t in range(11))), True),
        (CutFacts(12, 2, ((0, 10),)), True),
        (CutFacts(12, 4, ((0, 8),)), False),  # a window of truncated backpropagation
        (CutFacts(12, 1, ()), False),  # nothing else is read
        (CutFacts(3, 1, ((0, 1), (1, 2))), False),  # too short to tell
    ],
)
def test_few_steps_must_get_a_gradient_and_several_move_the_outputs_without_one(cut, loud):
    assert (named(with_batch(stuck(), cut=cut), "WIR115") is not None) is loud


def test_the_line_is_told_where_it_is_known():
    assert "state.detach()" in named(state_detached(), "WIR115").explanation
    cut = replace(state_detached().batch.cut, line="")
    assert "ends at" not in named(with_batch(stuck(), cut=cut), "WIR115").explanation


def test_rows_that_meet_are_told_with_the_line_that_makes_them():
    spread = MeetingFacts("net.py:5: return self.out(x) + x[:, 0]", "spread")
    softmax = MeetingFacts("net.py:6: weights = scores.softmax(0)", "softmax")
    assert "net.py:5" in named(with_batch(broadcasting(), meeting=spread), "LOS106").explanation
    told = named(with_batch(crosstalk(), meeting=softmax), "WIR106").explanation
    assert "net.py:6: weights = scores.softmax(0) runs its softmax over axis 0" in told
    assert "Some view, permute" in named(crosstalk(), "WIR106").explanation


def test_parameters_that_each_pass_makes_come_before_the_chance_that_they_bring():
    drawn = ChanceFacts("net.py:8: gate = nn.Linear(8, 8)", weights=True)
    case = with_batch(random_evaluation(), made_anew=((8, 8), (8,)), chance=drawn)
    first, *rest = judge(case).findings
    assert first.code == "WIR107"
    assert drawn.line in first.explanation
    assert "WIR108" not in {f.code for f in rest}


def test_weights_that_are_drawn_at_each_pass_are_no_dropout():
    drawn = ChanceFacts("net.py:8: nn.init.normal_(self.weight)", weights=True)
    told = named(with_batch(random_evaluation(), chance=drawn), "WIR108")
    assert "weights are drawn anew" in told.title
    assert told.remedies == ()
    dropped = ChanceFacts("net.py:9: x = x + torch.randn_like(x)")
    told = named(with_batch(random_evaluation(), chance=dropped), "WIR108")
    assert "Here numbers are drawn at net.py:9" in told.explanation
