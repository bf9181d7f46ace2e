"""What holds of every page that is written: of a diagnosis, a repair and a comparison."""

import base64
import hashlib
import re

import pytest

from render import sample, study_sample
from render.page_check import Page
from torchclinic.render import render_diagnosis_page, render_repair_page, render_study_page
from torchclinic.render.html.page import MAX_BYTES

PAGES = {
    **{f"r-{name}": render_repair_page(v) for name, v in sample.all_repairs().items()},
    **{f"d-{name}": render_diagnosis_page(v) for name, v in sample.all_diagnoses().items()},
    **{f"s-{name}": render_study_page(v) for name, v in study_sample.all_studies().items()},
}
PARSED = {name: Page(page) for name, page in PAGES.items()}
POINTERS = ("aria-labelledby", "aria-controls", "data-copy")
each = pytest.mark.parametrize("name", PAGES)


@each
def test_nesting_is_valid(name):
    assert PARSED[name].problems == []


@each
def test_nothing_is_loaded_from_anywhere(name):
    assert not re.search(r"(?i)https?:|\burl\(|@import|(?<!:)//", PAGES[name])
    assert PARSED[name].foreign() == ([], 1)


@each
def test_the_size_is_bounded(name):
    assert len(PAGES[name].encode()) <= MAX_BYTES


@each
def test_the_policy_lets_only_our_script_run(name):
    policies = [m["content"] for m in PARSED[name].named("meta") if "content" in m]
    policy = next(words for words in policies if "default-src" in words)
    body = re.search(r"<script>(.*)</script>", PAGES[name], re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"'sha256-{digest}'" in policy


@each
def test_references_inside_of_the_page_resolve(name):
    page = PARSED[name]
    ids = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for a in page.named("a")}
    wanted |= {a[key] for _, a, _ in page.elements for key in POINTERS if key in a}
    assert wanted <= set(ids)


@each
def test_pictures_and_controls_have_words(name):
    page = PARSED[name]
    for _, attributes, _ in page.elements:
        if attributes.get("role") in ("img", "group", "region"):
            assert attributes["aria-label"].strip()
    outer = [a for tag, a, stack in page.elements if tag == "svg" and "svg" not in stack]
    assert all(a.get("role") == "img" or a.get("aria-hidden") == "true" for a in outer)
    assert all(a.get("type") == "button" for a in page.named("button"))
    assert page.named("html")[0]["lang"] == "en"
    assert len(page.named("h1")) == 1
