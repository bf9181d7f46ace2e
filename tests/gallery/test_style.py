"""The style: names that do not lie on one another, colours that can be read and told apart."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from torchclinic.gallery.style import COLOURS, applied, band, figure, heat, label_ends
from torchclinic.gallery.style.bands import _apart

# Machado, Oliveira and Fernandes 2009, doi:10.1109/TVCG.2009.113: no red, no green, no blue cones.
BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip


def linear(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lightness_and_hue(rgb):
    """CIE Lab of linear sRGB, D65."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.clip(xyz @ rgb / [0.9505, 1.0, 1.089], 1e-6, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("name", COLOURS)
def test_text_in_each_colour_can_be_read_on_white(name):
    luminance = linear(COLOURS[name]) @ [0.2126, 0.7152, 0.0722]
    assert 1.05 / (luminance + 0.05) >= 4.5


@pytest.mark.parametrize("kind", BLIND)
def test_the_first_colours_are_told_apart_without_some_cones(kind):
    seen = [
        lightness_and_hue(np.clip(np.array(BLIND[kind]) @ linear(c), 0, 1))
        for c in list(COLOURS.values())[:3]
    ]
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(one - other) > 12


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8).map(sorted))
def test_names_are_moved_apart_in_their_order(heights):
    placed = _apart(heights, 0.05)
    assert all(b - a > 0.05 - 1e-3 for a, b in itertools.pairwise(placed))
    assert abs(np.mean(placed) - np.mean(heights)) < 1e-6


def test_labels_lie_within_the_figure():
    with applied():
        drawn, ((axes,),) = figure("A title " * 20, "a subtitle " * 30)
        for place, name in enumerate(("short", "a rather long name of a curve", "third")):
            band(axes, [0, 1], [[0, 1 + 1e-3 * place]], label=name)
        label_ends(axes)
        FigureCanvasAgg(drawn).draw()
        for text in (*drawn.texts, *axes.texts):
            box = text.get_window_extent()
            assert box.x0 >= 0, text.get_text()
            assert box.x1 <= drawn.bbox.x1 + 1, text.get_text()
        boxes = [text.get_window_extent() for text in axes.texts]
        assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
        titles = [text.get_window_extent() for text in drawn.texts]
        assert not titles[0].overlaps(titles[1])
        assert titles[1].y0 > axes.get_window_extent().y1


def test_a_band_spans_the_seeds_and_forgives_runs_that_ended():
    with applied():
        _, ((axes,),) = figure("t")
        band(axes, [0, 1], [[0.0, 1.0], [2.0, np.nan]], label="x")
        (line,) = axes.get_lines()
        assert line.get_ydata().tolist() == [1.0, 1.0]


def test_a_table_leaves_nan_empty():
    with applied():
        _, ((axes,),) = figure("t")
        heat(axes, [[1.0, np.nan]], rows=["r"], columns=["a", "b"])
        assert [text.get_text() for text in axes.texts] == ["1.00"]
