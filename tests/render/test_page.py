import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from render import sample
from render.page_check import HOSTILE_NAMES, Page, assert_fragment
from render.schema_check import errors
from torchclinic.core import Diagnosis, LRRange, UsageError
from torchclinic.render import (
    SCHEMA,
    render_diagnosis_html,
    render_diagnosis_page,
    render_repair_html,
    render_repair_page,
)
from torchclinic.render.html.glossary import term
from torchclinic.render.html.page import embedded

PAGES = {
    **{name: render_repair_page(value) for name, value in sample.all_repairs().items()},
    **{f"d-{name}": render_diagnosis_page(value) for name, value in sample.all_diagnoses().items()},
}
FRAGMENTS = {
    **{name: render_repair_html(value) for name, value in sample.all_repairs().items()},
    **{f"d-{name}": render_diagnosis_html(value) for name, value in sample.all_diagnoses().items()},
}
PARSED = {name: Page(page) for name, page in PAGES.items()}
each = pytest.mark.parametrize("name", PAGES)


@each
def test_one_tab_is_chosen_at_first(name):
    page = PARSED[name]
    tabs = [a for a in page.named("button") if a.get("role") == "tab"]
    assert [a["aria-selected"] for a in tabs].count("true") == (1 if tabs else 0)


@each
def test_the_data_is_embedded_and_follows_the_schema(name):
    text = re.search(
        r'<script type="application/json" id="document">(.*?)</script>', PAGES[name], re.DOTALL
    )[1]
    document = json.loads(text)
    assert errors(document, SCHEMA, SCHEMA) == []
    runs = [*document.get("before", []), *document.get("after", [])]
    for run in runs:
        assert all(len(run["history"][k]["values"]) <= 2000 for k in ("losses", "learning_rates"))
    for attributes in PARSED[name].named("div"):
        if "data-heat" in attributes:
            source = json.loads(attributes["data-heat"])
            trace = document
            for key in source["source"]:
                trace = trace[key] if trace is not None else None
            if trace is not None:
                assert all(
                    source["statistic"] in trace["layers"][i]["series"] for i in source["layers"]
                )


@each
def test_no_drawn_series_is_longer_than_two_thousand_points(name):
    for attributes in PARSED[name].named("div"):
        if "data-plot" in attributes:
            for series in json.loads(attributes["data-plot"])["series"]:
                assert 0 < len(series["x"]) == len(series["y"]) <= 2000
    assert all(a["d"].count("L") <= 2000 for a in PARSED[name].named("path") if "d" in a)


def test_the_report_tells_the_whole_story():
    shown = PARSED["repaired"].shown()
    for part in (
        "Repaired", "0.099", "0.964", "All 6 seeds improve", "95 % interval", "p = 0.031",
        "judged on 360 test rows", "vanishing gradient", "GRD101", "A sigmoid's slope",
        "trouble below 0.001", "AUTOTRAINER", "Explains 2", "relu + he + lr gains +0.861",
        "control: plain re-run", "control: random remedy", "unchanged", "chosen",
        "setattr(parent, name, nn.", "52 times below", "configured 0.001", "38 s", "27,710",
        "torchclinic repair examples/sigmoid.py", "x86_64", "arXiv 1502.01852",
        "gradient RMS", "saturated share", "silent share", "update-to-weight ratio", "BCa interval",
    ):  # fmt: skip
        assert part in shown, part


def test_titles_say_the_finding():
    shown = PARSED["repaired"].shown()
    assert "Validation accuracy ends at 0.964 instead of 0.099" in shown
    assert "Before, the gradient is 39,000 times smaller in fc1 than in out" in shown


def test_other_outcomes_say_what_they_are():
    assert "trains well; nothing was changed" in PARSED["healthy"].shown()
    assert "still fails; nothing was changed" in PARSED["not-repaired"].shown()
    assert "Inconclusive" in PARSED["one-seed"].shown()
    assert "6 of 6 seeds end in NaN" in PARSED["nan"].shown()
    assert "Vanishing gradient in fc1" in PARSED["d-sick"].shown()
    assert "No error and no warning" in PARSED["d-empty"].shown()


def test_a_deep_net_is_shown_in_part():
    shown = PARSED["deep"].shown()
    assert re.search(r"\d+ of 100 layers", shown)
    assert "blocks.99" in shown


def test_hostile_names_are_only_text():
    page = PARSED["hostile"]
    assert sample.HOSTILE in page.shown()
    assert not page.named("img")
    assert "49" not in re.findall(r"&amp;(\d+)", PAGES["hostile"])
    assert "{{7*7}}" in page.shown()


PLAIN = Page(render_repair_page(sample.hostile_repair("x", seeds=(1,))))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HOSTILE_NAMES)
def test_no_name_becomes_markup(name):
    page = Page(render_repair_page(sample.hostile_repair(name, seeds=(1,))))
    assert page.problems == []
    if name.strip():
        assert page.skeleton(without=("span", "code")) == PLAIN.skeleton(without=("span", "code"))


@given(st.recursive(st.one_of(st.text(), st.integers(), st.none()), st.lists))
def test_embedded_json_is_json_and_never_markup(value):
    text = embedded({"value": value})
    assert json.loads(text) == {"value": value}
    assert not set("<>&") & set(text)
    assert "//" not in text


def test_an_unknown_word_is_an_error():
    with pytest.raises(UsageError, match="no entry 'vibes'"):
        term("vibes")


@pytest.mark.parametrize("name", FRAGMENTS)
def test_fragments_leak_nothing_into_the_notebook(name):
    assert_fragment(FRAGMENTS[name], limit=40_000)


def test_fragments_tell_the_story_in_short():
    shown = Page(FRAGMENTS["repaired"]).shown()
    for part in ("Repaired", "0.099 → 0.964", "GRD101", "fc1", "explains: plateau", "lr=0.052"):
        assert part in shown
    assert "no error and no warning" in Page(FRAGMENTS["d-healthy"]).shown()
    assert "GRD101" in Page(FRAGMENTS["d-sick"]).shown()


@pytest.mark.parametrize(
    "lr_range", [LRRange(), LRRange((0.1,), (1.0,), (1.0,), (1.0,)), LRRange(reason="flat")]
)
def test_a_range_test_without_a_curve_is_words(lr_range):
    case = sample.Case(lr_range=lr_range)
    page = Page(render_diagnosis_page(Diagnosis(case=case)))
    assert page.problems == []
    assert (lr_range.reason or "suggests no learning rate") in page.shown()
