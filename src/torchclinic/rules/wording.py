"""Numbers and names as findings print them."""

from __future__ import annotations

import math

TITLE_WIDTH = 76


def number(value: float, digits: int = 3) -> str:
    """Three significant digits (or as many as wanted), without needless zeros.

    >>> number(0.00012345), number(1234.5), number(2.30), number(2.30259, 4)
    ('0.000123', '1,230', '2.3', '2.303')
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("infinity" if value > 0 else "-infinity")
    size = abs(value)
    if size != 0 and (size < 1e-4 or size >= 1e6):
        return f"{value:.2g}"
    if size >= 100:
        return f"{float(f'{value:.{digits}g}'):,.0f}"
    return f"{value:.{digits}g}"


def times(factor: float) -> str:
    """A factor as people say it.

    >>> times(339.7), times(2.04), times(1.1e19)
    ('340x', '2x', 'over 1,000,000x')
    """
    if not math.isfinite(factor):
        return "without bound"
    if factor > 1e6:
        return "over 1,000,000x"
    return f"{float(f'{factor:.2g}'):,.0f}x" if factor >= 10 else f"{factor:.2g}x"


def percent(share: float) -> str:
    """A share in percent; what is beyond any use as a percentage is capped.

    >>> percent(0.4213), percent(0.004), percent(2760.0)
    ('42%', '0.4%', 'over 100x')
    """
    if abs(share) > 100:
        return "over 100x" if share > 0 else "under -100x"
    value = 100 * share
    return f"{value:.0f}%" if abs(value) >= 1 or value == 0 else f"{value:.1g}%"


def called(name: str) -> str:
    """A layer's name in a sentence: the number of a layer in a Sequential needs a word before it.

    >>> called("18"), called("head")
    ('layer 18', 'head')
    """
    return f"layer {name}" if name.isdigit() else name


def short(name: str, width: int = 24) -> str:
    """A layer's name, its middle left out where it is too long.

    >>> short("encoder.layers.11.attention.output.dense", 20)
    'encoder...tput.dense'
    """
    name = called(name)
    if len(name) <= width:
        return name
    tail = (width - 3) * 3 // 5
    return f"{name[: width - 3 - tail]}...{name[-tail:]}"


def one_line(text: str, width: int = TITLE_WIDTH) -> str:
    """The text on one line of at most `width` characters.

    >>> one_line("a   b", 10)
    'a b'
    """
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 3].rstrip() + "..."


def several(names: tuple[str, ...] | list[str], limit: int = 3) -> str:
    """Names in a list, cut after `limit`.

    >>> several(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    shown = ", ".join(short(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
