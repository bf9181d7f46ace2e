import dataclasses
import json
import math
import re

import pytest
from hypothesis import HealthCheck, given, settings

from render import study_sample
from render.page_check import HOSTILE_NAMES, Page, assert_fragment
from render.schema_check import errors
from torchclinic.core import UsageError
from torchclinic.render import (
    STUDY_SCHEMA,
    render_study_html,
    render_study_page,
    study_to_dict,
    to_json,
    write_study_report,
)
from torchclinic.render.comparison.glossary import study_term

STUDIES = study_sample.all_studies()
PAGES = {name: render_study_page(value) for name, value in STUDIES.items()}
FRAGMENTS = {name: render_study_html(value) for name, value in STUDIES.items()}
PARSED = {name: Page(page) for name, page in PAGES.items()}
each = pytest.mark.parametrize("name", PAGES)


def document(name):
    pattern = r'<script type="application/json" id="document">(.*?)</script>'
    return json.loads(re.search(pattern, PAGES[name], re.DOTALL)[1])


@each
def test_boxes_have_labels(name):
    boxes = [stack for tag, _, stack in PARSED[name].elements if tag == "input"]
    assert all("label" in stack for stack in boxes)


@each
def test_every_arm_can_be_switched_and_no_color_stands_alone(name):
    page, arms = PARSED[name], STUDIES[name].arms
    switches = [a["data-arm"] for a in page.named("input") if "data-arm" in a]
    assert sorted(switches) == sorted(f"arm-{i}" for i in range(len(arms)))
    for key in switches:
        assert f".off-{key} .{key}{{display:none!important}}" in PAGES[name]
        rows = [a for a in page.named("tr") if key in a.get("class", "").split()]
        assert rows
    styles = {a["class"] for a in page.named("path") if a.get("class", "").startswith("median")}
    drawn = {tuple(re.findall(r"\b[cd]\d", words)) for words in styles}
    assert len(drawn) == len(arms)


@each
def test_the_data_is_embedded_and_follows_the_schema(name):
    found = document(name)
    assert errors(found, STUDY_SCHEMA, STUDY_SCHEMA) == []
    assert all(len(curve["values"]) <= 2000 for curve in found["curves"])
    assert [a["name"] for a in found["arms"]] == [a.name for a in STUDIES[name].arms]


@each
def test_the_whole_study_follows_the_schema(name):
    study = dataclasses.replace(STUDIES[name], curves=STUDIES[name].curves[:8])
    plain = study_to_dict(study)
    assert errors(plain, STUDY_SCHEMA, STUDY_SCHEMA) == []
    assert json.loads(to_json(plain)) == plain
    assert len(plain["curves"]) == len(study.curves)


@each
def test_no_drawn_series_is_longer_than_two_thousand_points(name):
    for attributes in PARSED[name].named("div"):
        if "data-plot" in attributes:
            for series in json.loads(attributes["data-plot"])["series"]:
                assert 0 < len(series["x"]) == len(series["y"]) <= 2000
    assert all(a["d"].count("L") <= 2000 for a in PARSED[name].named("path") if "d" in a)


def test_the_report_tells_the_whole_story():
    shown = PARSED["usual"].shown()
    for part in (
        "2 lead", "relu + batch norm beats sigmoid in accuracy", "0.903", "0.973",
        "sigmoid, the baseline", "6 arms × 10 seeds", "validation accuracy, higher is better",
        "2 min 26 s",
        "stacked", "Against sigmoid, the baseline", "Against relu",
        "p corrected over 5 comparisons", "difference of accuracy from sigmoid",
        "10 of 10", "▲ better",
        "Validation accuracy ends at", "middle half", "training loss",
        "each point is the mean of 6 steps",
        "Every seed of every arm", "95 % interval", "best in", "70 %", "All 15 pairs of arms",
        "you need 31 seeds", "could not be stacked", "compare x.py", "2.13.0", "Holm p",
        "Wilcoxon Holm p",
    ):  # fmt: skip
        assert part in shown, part


def test_arms_are_in_the_order_of_their_means():
    cells = re.findall(r'<th scope="row" data-v="([^"]*)">', PAGES["usual"])[:6]
    assert cells[0] == "relu + batch norm"
    assert cells[-1] == "sigmoid"


def test_cells_carry_what_they_are_sorted_by():
    row = STUDIES["usual"].row("relu")
    found = PARSED["usual"].named("td")
    values = {a["data-v"] for a in found if a.get("data-v")}
    assert {repr(row.mean), repr(row.std), repr(row.low), "900.0"} <= values
    assert "nan" not in values


def test_trouble_is_said():
    shown = PARSED["dead"].shown()
    for part in ("3 diverged", "3 failed", "3 not run", "LossError: no loss today", "not begun"):
        assert part in shown, part
    assert "4 of 10 of sigmoid + he" in PARSED["diverged"].shown()


def test_one_arm_is_compared_with_nothing():
    shown = PARSED["one-arm"].shown()
    assert "One arm" in shown
    assert "Against" not in shown
    assert "Nothing was measured" in PARSED["empty"].shown()


def test_a_loss_is_better_when_lower():
    page = PARSED["loss"]
    assert "lower is better" in page.shown()
    assert "▲ better" in page.shown()
    assert "One winner" in page.shown()


def test_hostile_names_are_only_text():
    page = PARSED["hostile"]
    assert study_sample.HOSTILE.replace("\u202e", "?") in page.shown()
    assert not page.named("img")
    assert "{{7*7}}" in page.shown()


PLAIN = Page(render_study_page(study_sample.hostile("x")))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HOSTILE_NAMES)
def test_no_name_becomes_markup(name):
    page = Page(render_study_page(study_sample.hostile(name)))
    assert page.problems == []
    if name.strip():
        assert page.skeleton(without=("small",)) == PLAIN.skeleton(without=("small",))


@pytest.mark.parametrize("name", FRAGMENTS)
def test_fragments_leak_nothing_into_the_notebook(name):
    assert_fragment(FRAGMENTS[name], limit=60_000)


def test_fragments_tell_the_story_in_short():
    shown = Page(FRAGMENTS["usual"]).shown()
    for part in (
        "2 lead",
        "relu + batch norm",
        "0.973",
        "▲ better",
        "6 arms × 10 seeds",
        "baseline",
    ):
        assert part in shown


def test_the_report_is_written_whole_or_as_json(tmp_path):
    study = STUDIES["usual"]
    assert write_study_report(study, tmp_path / "compare.html").read_text("utf-8") == PAGES["usual"]
    text = write_study_report(study, tmp_path / "compare.json").read_text("utf-8")
    assert json.loads(text) == study_to_dict(study)
    with pytest.raises(UsageError, match="made of a StudyResult, not of dict"):
        write_study_report({}, tmp_path / "x.html")


def test_an_unknown_word_is_an_error():
    with pytest.raises(UsageError, match="no entry 'vibes'"):
        study_term("vibes")


def test_numbers_are_kept_as_they_are():
    plain = study_to_dict(STUDIES["dead"])
    scores = {run["arm"]: run["score"] for run in plain["runs"]}
    assert (scores["dies"], scores["fails"]) == ("Infinity", None)
    curve = STUDIES["usual"].curves[0]
    assert plain["curves"][0]["steps"][:3] == [s for s, _ in curve.points[:3]]
    assert all(math.isfinite(v) for v in study_to_dict(STUDIES["usual"])["curves"][0]["values"])
