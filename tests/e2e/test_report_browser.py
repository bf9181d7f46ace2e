"""The report in a real browser: widths, themes, keyboard, no script, no network."""

from __future__ import annotations

import json
import re
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
from render import sample
from torchclinic.render import render_diagnosis_page, render_repair_page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    found = {}
    for name, value in sample.all_repairs().items():
        found[name] = folder / f"{name}.html"
        found[name].write_text(render_repair_page(value), "utf-8")
    for name, value in sample.all_diagnoses().items():
        found[f"d-{name}"] = folder / f"d-{name}.html"
        found[f"d-{name}"].write_text(render_diagnosis_page(value), "utf-8")
    return found


NAMES = [*sample.all_repairs(), *(f"d-{name}" for name in sample.all_diagnoses())]


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("name", NAMES)
def test_it_fits_and_asks_for_nothing(visit, pages, name, width):
    page = visit(name, width, "dark" if width == PHONE else "light")
    parts = "figure, .finding, .strips, pre, h1, h2, h3, .facts, .tabs, .cost"
    assert_it_fits_and_is_alone(page, width, pages[name].as_uri(), parts)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["repaired", "not-repaired", "d-sick"])
def test_text_can_be_read(visit, name, theme):
    assert visit(name, theme=theme).evaluate(CONTRAST, READABLE) == []


def test_hostile_names_run_nothing(visit):
    page = visit("hostile")
    fired = []
    page.on("dialog", lambda dialog: (fired.append(dialog.message), dialog.dismiss()))
    for plot in page.locator("[data-heat]:visible, [data-plot]:visible, .term:visible").all():
        plot.hover()
    assert fired == []
    assert page.locator("img").count() == 0


def test_the_policy_stops_scripts_that_are_not_ours(visit):
    page = visit("repaired")
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.evil = 1';"
        " document.body.append(s); }"
    )
    assert page.evaluate("window.evil") is None
    assert any("Content Security Policy" in words for words in page.complaints)


def test_without_a_script_everything_is_shown(visit):
    page = visit("repaired", java_script_enabled=False)
    assert page.locator(".panel:visible").count() == page.locator(".panel").count() == 5
    assert page.locator("button:visible").count() == 0
    assert page.locator("svg[role=img]").first.is_visible()


def test_a_plot_reads_out_and_zooms(visit):
    page = visit("repaired")
    plot = page.locator("[data-plot]").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 100)
    assert re.fullmatch(
        r"step \d+\nbefore: 0\.\d+\nafter: 0\.\d+", page.locator(".tip").inner_text()
    )
    layer, whole = plot.locator(".layer"), plot.get_by_role("button", name="Whole range")
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 100, steps=3)
    page.mouse.up()
    start, _, width, _ = map(float, layer.get_attribute("viewBox").split())
    assert start > 0
    assert width == pytest.approx(1000 * 100 / (box["width"] - 124), rel=0.02)
    whole.click()
    assert layer.get_attribute("viewBox") == "0 0 1000 1000"
    assert whole.is_hidden()


def test_a_plot_obeys_the_keyboard(visit):
    page = visit("repaired")
    plot = page.locator("[data-plot]").first
    plot.focus()
    page.keyboard.press("End")
    assert page.locator(".tip").inner_text().startswith("step 900\n")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".tip").inner_text().startswith("step 864\n")
    page.keyboard.press("+")
    assert plot.locator(".layer").get_attribute("viewBox") != "0 0 1000 1000"
    page.keyboard.press("Escape")
    assert plot.locator(".layer").get_attribute("viewBox") == "0 0 1000 1000"


def test_a_heat_map_reads_out_its_cells(visit):
    page = visit("repaired")
    heat = page.locator("[data-heat]").first
    heat.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    series = sample.repair().before[0].trace.layers[1]["gradient_rms"]
    name, step, mantissa, power = re.fullmatch(
        r"(.*)\nstep (\d+): ([\d.]+)×10⁻(.)", page.locator(".tip").inner_text()
    ).groups()
    assert (name, int(step)) == ("fc2", series.steps[0])
    value = float(mantissa) * 10.0 ** -"⁰¹²³⁴⁵⁶⁷⁸⁹".index(power)
    assert value == pytest.approx(series.values[0], rel=0.01)


def test_tabs_obey_the_keyboard(visit):
    page = visit("repaired")
    tabs = page.get_by_role("tab")
    tabs.first.focus()
    page.keyboard.press("ArrowLeft")
    assert tabs.last.get_attribute("aria-selected") == "true"
    assert page.locator(".panel:visible").count() == 1
    assert page.evaluate("document.activeElement.id") == tabs.last.get_attribute("id")
    page.keyboard.press("Home")
    assert tabs.first.get_attribute("aria-selected") == "true"


def test_everything_that_can_be_used_can_be_reached_by_tab(visit):
    assert_all_is_reached_by_tab(visit("repaired"))


def test_the_theme_can_be_turned(visit):
    page = visit("repaired", theme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(ground) != light
    assert page.get_by_role("button", name="Light theme").get_attribute("aria-pressed") == "true"
    page.reload()
    assert page.evaluate(ground) != light


def test_code_is_copied_and_data_downloaded(visit):
    page = visit("repaired", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the code of the repair").click()
    # a locator polls without eval, which the page's own security policy forbids
    page.locator("[data-copy=patch]", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == sample.PATCH.rstrip("\n")
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    document = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert document["schema"] == "torchclinic.repair/1"
    assert download.value.suggested_filename == "repair.json"


def test_words_are_explained(visit):
    page = visit("repaired", PHONE)
    page.locator("a.term", has_text="BCa interval").first.focus()
    tip = page.locator(".tip")
    assert "bootstrap" in tip.inner_text()
    box = tip.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE


def test_print_shows_all_panels_on_white(visit):
    page = visit("repaired", theme="dark")
    print_page(page)
    assert page.locator(".panel:visible").count() == 5
    assert page.locator(".bar").is_hidden()
