"""A plot that keeps its text size at any width.

Places are percentages of the plot's box, so text and dots stay as they are while the box grows and
shrinks; the lines live in a stretched layer whose strokes do not stretch with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from torchclinic.render.html.scales import Scale, count_label, tick_labels
from torchclinic.render.html.svg import join, path, percent, tag

SIZE = 1000


class Plot:
    """One plot under construction.

    Args:
        x: Horizontal axis.
        y: Vertical axis.
        title: What it shows, for those who cannot see it.
        height: Of the whole box in pixels.
        margins: Pixels above, right, below and left of the plotted area.
    """

    def __init__(
        self,
        x: Scale,
        y: Scale,
        *,
        title: str,
        height: int = 250,
        margins: tuple[int, int, int, int] = (14, 74, 40, 50),
    ) -> None:
        self.x, self.y, self.title, self.height, self.margins = x, y, title, height, margins
        self._under: list[Markup] = []
        self._layer: list[Markup] = []
        self._over: list[Markup] = []
        self._hover: list[dict[str, Any]] = []

    def axes(
        self,
        x_name: str,
        *,
        x_label: Callable[[float], str] = count_label,
        beside: bool = False,
    ) -> None:
        """Grid lines and tick labels on both axes; the name under or `beside` the last tick."""
        values = self.y.ticks(6)
        for value, word in zip(values, tick_labels(values), strict=True):
            at = percent(1 - self.y.place(value))
            self._under.append(tag("line", x1="0", x2="100%", y1=at, y2=at, class_="grid"))
            self._under.append(tag("text", word, x="0", y=at, dx=-8, dy=4, class_="tick end"))
        ticks = [
            tag(
                "text",
                x_label(value),
                x=percent(self.x.place(value)),
                y="100%",
                dy=18,
                class_="tick mid",
            )
            for value in self.x.ticks(5)
        ]
        self._under.append(tag("g", *ticks, class_="xticks"))
        self._under.append(tag("line", x1="0", x2="100%", y1="100%", y2="100%", class_="axis"))
        place = {"dx": 10, "dy": 18} if beside else {"dy": 34}
        style = "tick soft" if beside else "tick end soft"
        self._under.append(tag("text", x_name, x="100%", y="100%", class_=style, **place))

    def line(self, xs: Sequence[float], ys: Sequence[float], class_: str) -> None:
        """A line; it breaks where a value is not finite."""
        points = [(self.x.place(x), self.y.place(y)) for x, y in zip(xs, ys, strict=True)]
        self._layer.append(tag("path", d=path(points, SIZE), class_=class_))

    def band(
        self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], class_: str
    ) -> None:
        """The area between two lines."""
        run: list[tuple[float, float, float]] = []
        for x, a, b in (*zip(xs, low, high, strict=True), (float("nan"),) * 3):
            point = (self.x.place(x), self.y.place(a), self.y.place(b))
            if all(v == v for v in point):  # noqa: PLR0124 - NaN differs from itself
                run.append(point)
            elif run:
                outline = [(x, b) for x, _, b in run] + [(x, a) for x, a, _ in reversed(run)]
                self._layer.append(tag("path", d=path(outline, SIZE) + "Z", class_=class_))
                run = []

    def dot(self, x: float, y: float, class_: str, radius: float = 4, tip: str = "") -> None:
        """A dot that hover and zoom know."""
        at = self.x.place(x)
        inner = (tag("title", tip),) if tip else ()
        self._over.append(
            tag(
                "circle",
                *inner,
                cx=percent(at),
                cy=percent(1 - self.y.clamped(y)),
                r=radius,
                class_=class_,
                data_x=f"{at:.4f}",
            )
        )

    def cross(self, x: float, y: float, class_: str, tip: str) -> None:
        """A small cross, for where a line stops being a number."""
        at = self.x.place(x)
        drawn = tag("path", tag("title", tip), d="M-4-4L4 4M-4 4L4-4", class_=f"cross {class_}")
        self._over.append(
            tag(
                "svg",
                drawn,
                x=percent(at),
                y=percent(1 - self.y.clamped(y)),
                class_="at",
                data_x=f"{at:.4f}",
            )
        )

    def mark(self, x: float, word: str, class_: str, *, row: int = 0, end: bool = False) -> None:
        """A vertical line with a word at its top; `row` moves the word down."""
        at = self.x.place(x)
        self._under.append(
            tag(
                "line",
                x1=percent(at),
                x2=percent(at),
                y1="0",
                y2="100%",
                class_=f"mark {class_}",
                data_x=f"{at:.4f}",
            )
        )
        self._over.append(
            tag(
                "text",
                word,
                x=percent(at),
                y="0",
                dx=-6 if end else 6,
                dy=10 + 16 * row,
                class_=f"label {class_}" + (" end" if end else ""),
                data_x=f"{at:.4f}",
            )
        )

    def word(
        self, x: float, y: float, words: str, class_: str, *, dx: float = 8, dy: float = 4
    ) -> None:
        """Words beside a place."""
        at = self.x.place(x)
        self._over.append(
            tag(
                "text",
                words,
                x=percent(at),
                y=percent(1 - self.y.clamped(y)),
                dx=dx,
                dy=dy,
                class_=f"label {class_}",
                data_x=f"{at:.4f}",
            )
        )

    def hover(self, name: str, xs: Sequence[float], ys: Sequence[float], key: str = "") -> None:
        """Values that the pointer and the arrow keys read out.

        Args:
            name: What they are called.
            xs: Where they stand.
            ys: The values.
            key: While the page's root has the class "off-" and this, they are left out.
        """
        values = [float(f"{y:.4g}") if y == y and abs(y) < 1e300 else None for y in ys]  # noqa: PLR0124
        xs = [float(f"{x:.5g}") for x in xs]
        self._hover.append({"name": name, "x": xs, "y": values} | ({"key": key} if key else {}))

    def render(self, x_name: str = "step") -> Markup:
        """The plot as HTML."""
        layer = tag(
            "svg",
            *self._layer,
            class_="layer",
            viewBox=f"0 0 {SIZE} {SIZE}",
            preserveAspectRatio="none",
            width="100%",
            height="100%",
            aria_hidden="true",
        )
        svg = tag(
            "svg",
            join(self._under),
            layer,
            join(self._over),
            role="img",
            aria_label=self.title,
            width="100%",
            height="100%",
        )
        top, right, bottom, left = self.margins
        data = {
            "x": [self.x.low, self.x.high],
            "log": self.x.log,
            "y": [self.y.low, self.y.high, self.y.log],
            "name": x_name,
            "series": self._hover,
        }
        return tag(
            "div",
            svg,
            class_="plot",
            style=f"height:{self.height}px;padding:{top}px {right}px {bottom}px {left}px",
            tabindex="0" if self._hover else None,
            data_plot=json.dumps(data, separators=(",", ":")) if self._hover else None,
        )
