"""The comparison in a real browser: arms on and off, sorting, widths, themes, keyboard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.browsing import (
    CONTRAST,
    DESKTOP,
    PHONE,
    READABLE,
    assert_all_is_reached_by_tab,
    assert_it_fits_and_is_alone,
    print_page,
)
from render import study_sample
from torchclinic.render import render_study_page

pytestmark = pytest.mark.browser
STUDIES = study_sample.all_studies()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    found = {name: folder / f"{name}.html" for name in STUDIES}
    for name, path in found.items():
        path.write_text(render_study_page(STUDIES[name]), "utf-8")
    return found


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("name", ["usual", "dead", "many", "hostile", "one-arm"])
def test_it_fits_and_asks_for_nothing(visit, pages, name, width):
    page = visit(name, width, "dark" if width == PHONE else "light")
    parts = "figure, .strips, h1, h2, h3, .facts, .tabs, .switches, .scroll, .verdicts"
    assert_it_fits_and_is_alone(page, width, pages[name].as_uri(), parts)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["usual", "dead", "many"])
def test_text_can_be_read(visit, name, theme):
    assert visit(name, theme=theme).evaluate(CONTRAST, READABLE) == []


def belonging(page, key):
    """Visible things of an arm: lines, dots, words, rows."""
    return page.evaluate(
        "k => [...document.querySelectorAll('.' + k)]"
        ".filter(e => getComputedStyle(e).display !== 'none').length",
        key,
    )


def test_an_arm_is_switched_off_everywhere_and_on_again(visit):
    page = visit("usual")
    box = page.get_by_role("checkbox", name="relu + dropout 0.2")
    key = box.get_attribute("data-arm")
    whole = belonging(page, key)
    others = belonging(page, "arm-0")
    assert whole >= 15
    box.focus()
    page.keyboard.press("Space")
    assert belonging(page, key) == 0
    assert belonging(page, "arm-0") < others  # the pair of both is gone, the rest stays
    page.keyboard.press("Space")
    assert belonging(page, key) == whole
    page.get_by_role("button", name="None").click()
    assert sum(belonging(page, f"arm-{i}") for i in range(6)) == 0
    page.get_by_role("button", name="All").click()
    assert belonging(page, key) == whole


def test_an_arm_that_is_off_is_not_read_out(visit):
    page = visit("usual")
    plot = page.locator("[data-plot]").first
    plot.focus()
    page.keyboard.press("End")
    assert page.locator(".tip").inner_text().count("\n") == 6
    page.get_by_role("checkbox", name="relu + dropout 0.2").uncheck()
    plot.focus()
    page.keyboard.press("End")
    words = page.locator(".tip").inner_text()
    assert words.count("\n") == 5
    assert "dropout" not in words
    assert "relu + batch norm validation accuracy: 0.9" in words


def names(page):
    return page.evaluate(
        "[...document.querySelectorAll('table.sortable')[0].tBodies[0].rows]"
        ".map(r => r.cells[0].dataset.v)"
    )


def test_a_heading_sorts_and_turns_the_order(visit):
    page = visit("usual")
    study = STUDIES["usual"]
    best_first = names(page)
    head = page.locator("table.sortable").first.get_by_role("columnheader", name="std")
    head.get_by_role("button").click()
    stds = {row.arm: row.std for row in study.rows}
    assert names(page) == sorted(stds, key=lambda arm: -stds[arm])
    assert head.get_attribute("aria-sort") == "descending"
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert names(page) == sorted(stds, key=lambda arm: stds[arm])
    assert head.get_attribute("aria-sort") == "ascending"
    page.get_by_role("button", name="mean accuracy").click()
    assert names(page) == best_first
    assert head.get_attribute("aria-sort") is None
    page.get_by_role("button", name="arm", exact=True).first.click()
    assert names(page) == ["relu", "relu + batch norm", "relu + dropout 0.2", "relu + layer norm",
                           "sigmoid", "sigmoid + he"]  # fmt: skip


def test_what_has_no_value_sorts_last_both_ways(visit):
    page = visit("dead")
    button = page.get_by_role("button", name="mean accuracy")
    for _ in range(2):
        button.click()
        assert names(page)[0] == "a"


def test_curves_are_switched(visit):
    page = visit("usual")
    tabs = page.locator("#curves").get_by_role("tab")
    assert tabs.all_inner_texts() == ["validation accuracy", "validation loss", "training loss"]
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#curves .panel:visible").count() == 1
    assert page.locator("#panel-validation-loss").is_visible()


def test_any_arm_can_be_what_the_others_are_compared_with(visit):
    page = visit("usual")
    section = page.locator("#differences")
    assert section.locator(".panel:visible h3").inner_text() == "Against sigmoid, the baseline"
    section.get_by_role("tab", name="against relu + batch norm").click()
    assert section.locator(".panel:visible h3").inner_text() == "Against relu + batch norm"
    words = section.locator(".panel:visible tr.arm-0").inner_text()
    assert "▼ worse" in words
    assert "0 of 10" in words


def test_seeds_are_drawn_instead_of_bands(visit):
    page = visit("usual")
    panel = page.locator("#panel-validation-metric")
    shown = (
        "e => [...e.querySelectorAll('path.seed')]"
        ".filter(p => getComputedStyle(p).display !== 'none').length"
    )
    assert panel.evaluate(shown) == 0
    page.get_by_role("checkbox", name="a line for each seed").check()
    assert panel.evaluate(shown) == 60


def test_without_a_script_everything_is_shown(visit):
    page = visit("usual", java_script_enabled=False)
    assert page.locator("#curves .panel:visible").count() == 3
    assert page.locator("#differences .panel:visible").count() == 1
    assert page.locator("button:visible, input:visible").count() == 0
    assert page.locator(".switch:visible").count() == 6
    assert page.locator("table.data").first.is_visible()


def test_the_data_is_downloaded(visit):
    page = visit("usual")
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    document = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert document["schema"] == "torchclinic.study/1"
    assert len(document["runs"]) == 60
    assert download.value.suggested_filename == "study.json"


def test_hostile_names_run_nothing(visit):
    page = visit("hostile")
    fired = []
    page.on("dialog", lambda dialog: (fired.append(dialog.message), dialog.dismiss()))
    for one in page.locator("[data-plot]:visible, .term:visible, .switch:visible").all():
        one.hover()
    assert fired == []
    assert page.locator("img").count() == 0


def test_everything_that_can_be_used_can_be_reached_by_tab(visit):
    assert_all_is_reached_by_tab(visit("usual"))


def test_print_shows_all_panels_on_white(visit):
    page = visit("usual", theme="dark")
    print_page(page)
    assert page.locator("#curves .panel:visible").count() == 3
    assert page.locator("#differences .panel:visible").count() == 1
    assert page.locator(".bar, .switches input, .switches button").first.is_hidden()


def test_axes_fit_the_arms_that_are_left(visit):
    page = visit("usual")
    plot = page.locator("#panel-validation-metric [data-plot]")
    layer = plot.locator(".layer")
    dot = page.locator("#seeds tr.arm-4 .small").first
    ring = dot.get_attribute("cx")
    assert layer.get_attribute("viewBox") == "0 0 1000 1000"
    for name in ("sigmoid", "sigmoid + he", "relu"):
        page.get_by_role("checkbox", name=name, exact=True).uncheck()
    _, _, width, height = map(float, layer.get_attribute("viewBox").split())
    assert width == 1000
    assert height < 900
    assert dot.get_attribute("cx") != ring
    box = plot.bounding_box()
    for word in plot.locator(".arm-word:visible").all():
        place = word.bounding_box()
        assert box["y"] <= place["y"] <= box["y"] + box["height"]
    ticks = plot.locator("text.tick.end:not(.soft)").all_text_contents()
    assert len(ticks) > 1
    assert all(0.5 < float(words) < 1.1 for words in ticks)
    page.get_by_role("button", name="All").click()
    assert layer.get_attribute("viewBox") == "0 0 1000 1000"
    assert float(dot.get_attribute("cx")[:-1]) == pytest.approx(float(ring[:-1]), abs=0.02)


def test_a_zoom_and_a_fit_leave_each_other_alone(visit):
    page = visit("usual")
    plot = page.locator("#panel-validation-metric [data-plot]")
    page.get_by_role("checkbox", name="sigmoid", exact=True).uncheck()
    before = plot.locator(".layer").get_attribute("viewBox").split()
    plot.focus()
    page.keyboard.press("+")
    after = plot.locator(".layer").get_attribute("viewBox").split()
    assert (after[1], after[3]) == (before[1], before[3])
    assert float(after[2]) == 500
    page.get_by_role("checkbox", name="sigmoid + he", exact=True).uncheck()
    assert float(plot.locator(".layer").get_attribute("viewBox").split()[2]) == 500
