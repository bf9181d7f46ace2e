import math
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from render.page_check import Page
from torchclinic.core import Series, TracedLayer
from torchclinic.render.html.code import highlight
from torchclinic.render.html.figures.heat import BINS, color, heat
from torchclinic.render.html.plot import Plot
from torchclinic.render.html.scales import Scale
from torchclinic.render.html.svg import path, tag

ANY_TEXT = st.text(st.characters(codec="utf-8"))


class Reader(HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.text = [], ""
        self.feed(str(text))
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_and_attribute_comes_back_as_it_was(text, value):
    read = Reader(tag("p", text, title=value))
    assert read.text == text
    assert read.tags == [("p", {"title": value})]


def test_markup_is_not_escaped_twice():
    assert tag("g", tag("b", "<"), Markup("<i></i>")) == "<g><b>&lt;</b><i></i></g>"


COORDINATE = st.one_of(st.floats(-2, 3), st.just(math.nan), st.just(math.inf))


@given(st.lists(st.tuples(COORDINATE, COORDINATE)))
def test_a_path_holds_numbers_only_and_breaks_at_gaps(points):
    drawn = path(points)
    assert re.fullmatch(r"([ML]-?\d+(\.\d)? -?\d+(\.\d)?)*", drawn)
    good = [all(map(math.isfinite, point)) for point in points]
    starts = sum(now and not before for before, now in zip([False, *good], good, strict=False))
    assert drawn.count("M") == starts
    assert drawn.count("M") + drawn.count("L") == sum(good)


@given(ANY_TEXT)
def test_highlighting_changes_no_character(source):
    assert Reader(highlight(source)).text == source


PYTHON = (
    'import torch\n\nfor layer in model:  # "all" of <them>\n    x = f"{layer}" + \'<b>\' * 2\n'
)


def test_highlighting_of_python():
    marked = highlight(PYTHON)
    assert Reader(marked).text == PYTHON
    assert '<span class="k">import</span>' in marked
    assert '<span class="n">2</span>' in marked
    assert "<them>" not in marked


def a_plot():
    plot = Plot(Scale(0.0, 10.0), Scale(0.0, 1.0), title="a <b> plot")
    plot.axes("step", beside=True)
    plot.band([0, 1, 2, 3], [0, 0, math.nan, 0], [1, 1, 1, 1], "band")
    plot.line([0, 5, 10], [0.1, math.nan, 0.2], "median")
    plot.dot(5, 0.5, "end", tip="<tip>")
    plot.cross(5, 0.5, "x", "tip")
    plot.mark(5, "here", "after")
    plot.word(10, 9.0, "above", "after")
    plot.hover("a", [0, 5, 10], [0.1, math.nan, math.inf])
    return plot.render()


def test_a_plot_is_sound_markup():
    page = Page(a_plot())
    assert page.problems == []
    assert page.named("svg")[0]["aria-label"] == "a <b> plot"
    assert {"aria-hidden", "viewbox", "preserveaspectratio"} <= set(page.named("svg")[1])
    assert page.named("div")[0]["tabindex"] == "0"


def test_a_band_breaks_at_gaps():
    paths = [a["d"] for a in Page(a_plot()).named("path") if a.get("class") == "band"]
    assert [p.count("L") for p in paths] == [3, 1]


def layers(*rows):
    return [
        TracedLayer(
            f"layer{i}", "Linear", i, series={"g": Series(tuple(range(1, len(r) + 1)), tuple(r))}
        )
        for i, r in enumerate(rows)
    ]


def cells_of(found):
    """Column and row -> class of the cell, from the paths."""
    cells = {}
    for attributes in Page(found).named("path"):
        for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", attributes["d"]):
            for column in range(int(x), int(x) + int(width)):
                assert (column, int(y)) not in cells
                cells[column, int(y)] = attributes["class"]
    return cells


VALUES = st.one_of(st.floats(1e-9, 1e3), st.sampled_from([math.nan, math.inf, 0.0]))


@given(st.lists(st.lists(VALUES, min_size=5, max_size=5), min_size=1, max_size=6))
def test_every_reading_is_one_cell_of_its_colour(rows):
    scale = Scale(1e-9, 1e3, log=True)
    cells = cells_of(heat(layers(*rows), "g", scale, title="t", source=["trace"]))
    expected = {(x, y): color(v, scale) for y, row in enumerate(rows) for x, v in enumerate(row)}
    assert cells == expected


def test_colours_rise_with_the_value():
    scale = Scale(1e-4, 1.0, log=True)
    order = [int(color(v, scale)[1:]) for v in (1e-9, 1e-4, 1e-3, 1e-2, 0.5, 1.0, 9.0)]
    assert order == sorted(order)
    assert (order[0], order[-1]) == (0, BINS - 1)
    assert color(math.nan, scale) == "hx"


@pytest.mark.parametrize("count", [1, 40, 100, 1000])
def test_labels_of_many_layers_do_not_collide(count):
    found = heat(layers(*[[1.0, 2.0]] * count), "g", Scale(0.5, 4.0), title="t", source=[])
    height = int(re.search(r"height:(\d+)px", found)[1]) - 40
    texts = [a for a in Page(found).named("text") if a.get("dy") == "4"]
    places = [float(a["y"].rstrip("%")) / 100 * height for a in texts]
    gaps = [b - a for a, b in pairwise(places)]
    assert all(gap >= 12 for gap in gaps)
    assert height <= 460
