"""Numbers, durations and names as a reader wants to see them. Plain text, no markup."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

LONGEST_IN_SECONDS = 100  # a longer duration is told in minutes
PLAIN_FROM, PLAIN_TO = 1e-3, 1e5  # outside of it a number is written with an exponent


def number(value: float, digits: int = 3) -> str:
    """A number with `digits` significant digits, with an exponent when very small or large.

    >>> [number(x) for x in (0.97423, 3.14159e-7, 12345.6, 0.0, float("nan"))]
    ['0.974', '3.14e-7', '12,346', '0', 'NaN']
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    size = abs(rounded)
    if size >= PLAIN_TO or size < PLAIN_FROM:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{_trim(mantissa)}e{int(exponent)}"
    if size >= 1000:
        return f"{value:,.0f}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return _trim(f"{value:.{decimals}f}")


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(value: float, digits: int = 3) -> str:
    """The number with its sign.

    >>> signed(0.873), signed(-2.0)
    ('+0.873', '-2')
    """
    text = number(value, digits)
    return f"+{text}" if value > 0 else text


def decimals_for(values: Sequence[float], digits: int = 3) -> int | None:
    """Decimals that show all values alike, or None if an exponent serves them better.

    >>> decimals_for([0.1012, 0.9744]), decimals_for([3e-7, 2.0])
    (3, None)
    """
    sizes = [abs(v) for v in values if math.isfinite(v) and v != 0]
    if not sizes:
        return digits
    if max(sizes) >= PLAIN_TO or max(sizes) < PLAIN_FROM * 10 or min(sizes) < PLAIN_FROM:
        return None
    return max(0, digits - 1 - math.floor(math.log10(max(sizes))))


def score(value: float, decimals: int | None = 3) -> str:
    """A score with fixed decimals, so that columns of scores line up.

    >>> score(0.9), score(3e-7, None)
    ('0.900', '3e-7')
    """
    if decimals is None or not math.isfinite(value):
        return number(value)
    return f"{value:,.{decimals}f}"


def times(ratio: float) -> str:
    """How many times, for sentences.

    >>> times(40123.0), times(1.94)
    ('40,000 times', '1.9 times')
    """
    if not math.isfinite(ratio):
        return "infinitely many times"
    if ratio >= 1e6:
        return f"{number(ratio, 2)} times"
    rounded = float(f"{ratio:.1e}")
    return f"{rounded:,.0f} times" if rounded >= 10 else f"{rounded:g} times"


def seconds(value: float) -> str:
    """A duration.

    >>> seconds(0.72), seconds(23.4), seconds(200), seconds(3900)
    ('0.72 s', '23 s', '3 min 20 s', '1 h 5 min')
    """
    if not math.isfinite(value):
        return "unknown"
    if value < 10:
        return f"{number(value, 2)} s"
    whole = round(value)
    if whole < LONGEST_IN_SECONDS:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def plural(count: int, noun: str, many: str = "") -> str:
    """A count and its noun.

    >>> plural(1, "seed"), plural(6, "seed"), plural(1200, "reading")
    ('1 seed', '6 seeds', '1,200 readings')
    """
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def listing(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    >>> listing(["plateau"]), listing(["a", "b", "c"])
    ('plateau', 'a, b and c')
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def shorten(text: str, width: int, ellipsis: str = "…") -> str:
    """The text cut in its middle to `width` characters: the ends of a layer name tell the most.

    >>> shorten("encoder.blocks.11.attention.projection", 16)
    'encoder…ojection'
    """
    if len(text) <= width:
        return text
    keep = max(0, width - len(ellipsis))
    head = keep // 2
    tail = keep - head
    return text[:head] + ellipsis[:width] + (text[-tail:] if tail else "")


def printable(text: str) -> str:
    r"""The text with control characters (newlines, escapes, bidi marks) made harmless.

    >>> printable("fc\x1b[31m1\n")
    'fc?[31m1 '
    """
    return "".join(_harmless(c) for c in str(text))


def _harmless(character: str) -> str:
    if character in "\n\r\t\v\f":
        return " "
    return "?" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") else character


def sentence(text: str) -> str:
    """The text with a capital first letter and a full stop.

    >>> sentence("six seeds agree")
    'Six seeds agree.'
    """
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?:" else ".")


def titled(text: str) -> str:
    """The text with a capital first letter, unless it begins with a name.

    >>> titled("gradient fades"), titled("fc1 gets no gradient"), titled("lr_head is frozen")
    ('Gradient fades', 'fc1 gets no gradient', 'lr_head is frozen')
    """
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text
