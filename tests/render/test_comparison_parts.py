import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render import snapshot, study_sample
from torchclinic.core import StudyArm, StudyCurve, StudyResult
from torchclinic.render import render_study_text
from torchclinic.render.comparison.arms import ArmView, arm_views
from torchclinic.render.comparison.bands import averaged, bands, stretch
from torchclinic.render.comparison.curve_figure import leaves_out_the_start, values_scale
from torchclinic.render.comparison.end_labels import spread
from torchclinic.render.comparison.flipping import against, flipped
from torchclinic.render.comparison.story import headline, said
from torchclinic.render.console.sheet import cell_len

STUDIES = study_sample.all_studies()


@pytest.mark.parametrize("name", [n for n in STUDIES if n != "hostile"])
def test_the_screen(name):
    text = render_study_text(STUDIES[name], 80, color=False, unicode=True)
    snapshot.check(f"study-{name}.txt", text)


def test_the_screen_in_ascii():
    text = render_study_text(
        STUDIES["usual"], 80, color=False, unicode=False, report="out/compare.html"
    )
    assert text.isascii()
    snapshot.check("study-ascii.txt", text)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("name", STUDIES)
def test_no_line_is_wider_than_the_terminal(name, width):
    text = render_study_text(STUDIES[name], width, color=False, unicode=True)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "\x1b" not in text


def test_colors_are_for_terminals_only():
    assert "\x1b[" in render_study_text(STUDIES["usual"], color=True)


places = st.lists(st.floats(-50, 450), max_size=20)


@given(places)
def test_words_keep_their_distance_and_order(given_places):
    found = spread(given_places, 400.0, line=15.0)
    order = sorted(range(len(found)), key=lambda i: found[i])
    for above, below in itertools.pairwise(order):
        assert found[below] - found[above] >= 15.0 - 0.11
        assert given_places[above] <= given_places[below]
    if 0 < len(found) <= 26:
        assert min(found) >= 0
        assert max(found) <= 400.1 or min(found) == 0


@given(st.lists(st.integers(0, 12), unique=True, min_size=1))
def test_words_that_do_not_meet_stay(rows):
    given_places = [30.0 * row for row in rows]
    assert spread(given_places, 400.0, line=15.0) == given_places


def curve(arm, seed, values, every=1):
    points = tuple((every * (k + 1), v) for k, v in enumerate(values))
    return StudyCurve(arm, seed, "train", "loss", points)


def test_a_band_is_the_median_and_the_middle_half():
    values = [[1.0, 5.0], [2.0, 7.0], [4.0, 1.0], [8.0, 3.0]]
    (band,) = bands(["a", "b"], [curve("a", s, v) for s, v in enumerate(values)])
    for place, column in enumerate(zip(*values, strict=True)):
        low, middle, high = statistics.quantiles(column, n=4, method="inclusive")
        assert band.low[place] == pytest.approx(low)
        assert band.median.values[place] == pytest.approx(middle)
        assert band.high[place] == pytest.approx(high)


def test_a_median_needs_half_of_the_seeds():
    (band,) = bands(["a"], [curve("a", 0, [1.0, math.nan]), curve("a", 1, [3.0]),
                            curve("a", 2, [2.0])])  # fmt: skip
    assert band.median.values[0] == 2.0
    assert math.isnan(band.median.values[1])
    assert band.broken == 1


def test_long_curves_are_averaged_over_the_same_stretches():
    curves = [curve("a", 0, [float(k) for k in range(1000)]), curve("a", 1, [5.0] * 400)]
    width = stretch(curves)
    assert width == 7
    one, two = (averaged(c.points, width) for c in curves)
    assert set(two.steps) <= set(one.steps)
    assert len(one.steps) <= 150
    assert one.values[0] == pytest.approx(sum(range(7)) / 7)
    assert all(math.isnan(v) for v in averaged([(1, 1.0), (2, math.inf)], 2).values)


def test_short_curves_keep_their_points():
    points = ((0, 0.5), (50, 0.75), (100, math.nan))
    one = StudyCurve("a", 0, "validation", "metric", points)
    assert stretch([one]) == 1
    assert averaged(one.points, 1).values[:2] == (0.5, 0.75)


def test_the_first_steps_may_not_flatten_the_rest():
    rising = [0.1, 0.2, *(0.9 + k / 1000 for k in range(30))]
    found = bands(["a"], [curve("a", s, rising) for s in range(3)])
    assert values_scale(found).low > 0.85
    assert leaves_out_the_start(found)
    steady = bands(["a"], [curve("a", s, [k / 30 for k in range(30)]) for s in range(3)])
    assert not leaves_out_the_start(steady)


def test_an_arm_that_blows_up_may_not_flatten_the_rest():
    good, bad = [1.0, 0.8, 0.6, 0.5], [1.0, 50.0, 1e9, 1e12]
    found = bands(["a", "b", "c", "d", "e"], [curve(a, s, good) for a in "abcd" for s in range(3)]
                  + [curve("e", 0, bad)])  # fmt: skip
    assert values_scale(found).high < 30


def test_arms_without_a_score_come_last():
    names = [view.arm.name for view in arm_views(STUDIES["dead"])]
    assert names == ["a", "dies", "fails", "left out"]
    names = [view.arm.name for view in arm_views(STUDIES["loss"])]
    assert names == ["wide", "narrow"]


def test_thirty_two_arms_look_different():
    styles = {ArmView(i, StudyArm("a", color=i), None, best=False).style for i in range(32)}
    assert len(styles) == 32


@pytest.mark.parametrize(
    ("name", "word", "tone"),
    [
        ("usual", "2 lead", "open"),
        ("loss", "One winner", "settled"),
        ("one-arm", "One arm", "single"),
        ("one-seed", "Inconclusive", "open"),
        ("empty", "Inconclusive", "open"),
    ],
)
def test_the_outcome_in_a_word(name, word, tone):
    found = headline(STUDIES[name])
    assert (found.word, found.tone) == (word, tone)


def test_sentences_begin_with_a_capital_unless_with_an_arm():
    study = StudyResult("s", (StudyArm("relu"),), (), "loss", False)
    assert said(study, ["relu is best", "the rest is not", " "]) == (
        "relu is best.",
        "The rest is not.",
    )


def test_a_comparison_turned_around_says_the_opposite():
    study = STUDIES["usual"]
    names = [arm.name for arm in study.arms]
    for arm in names:
        found = against(study, arm)
        assert sorted(one.after for one in found) == sorted(set(names) - {arm})
        assert all(one.before == arm for one in found)
    one = study.pairs[0]
    turned = flipped(one)
    pairs = zip(turned.comparison.before, turned.comparison.after, strict=True)
    gains = [after - before for before, after in pairs]
    assert statistics.fmean(gains) == pytest.approx(turned.comparison.mean_difference)
    assert turned.comparison.low <= turned.comparison.mean_difference <= turned.comparison.high
    assert turned.comparison.superiority == 1 - one.comparison.superiority
    assert flipped(turned).comparison == one.comparison
    assert {one.judgement, turned.judgement} == {"better", "worse"}


def test_the_baseline_has_its_own_family():
    study = STUDIES["usual"]
    assert {one.family for one in against(study, "sigmoid")} == {5}
    assert {one.family for one in against(study, "relu")} == {15}
    assert against(STUDIES["loss"], "wide") == []
