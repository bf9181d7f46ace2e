"""Arguments of layers, checked where they are given: the message quotes the value."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core import UsageError


def probability(value: float, name: str = "p", *, below_one: bool = False) -> float:
    """A probability as a float.

    Args:
        value: The number.
        name: Of the argument, for the message.
        below_one: Whether 1 is refused as well.

    Raises:
        UsageError: Outside [0, 1], and for anything that is no number.

    >>> probability(0.5)
    0.5
    """
    number = _number(value, name)
    if not 0.0 <= number <= 1.0 or (below_one and number == 1.0):
        allowed = "from 0 to below 1" if below_one else "from 0 to 1"
        raise UsageError(f"{name} is {value!r}", hint=f"a probability is {allowed}")
    return number


def at_least(value: int, least: int, name: str) -> int:
    """A whole number that is not too small.

    Raises:
        UsageError: Below `least`, and for anything that is no whole number.

    >>> at_least(3, 1, "block_size")
    3
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{name} is {value!r}", hint=f"use a whole number, {least} or more")
    return value


def one_of(value: str, allowed: Iterable[str], name: str) -> str:
    """A word out of a list.

    Raises:
        UsageError: For any other word, with the list.

    >>> one_of("row", ("row", "batch"), "mode")
    'row'
    """
    words = tuple(allowed)
    if value not in words:
        raise UsageError(f"{name} is {value!r}", hint=f"known: {', '.join(words)}")
    return value


def _number(value: float, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{name} is {value!r}", hint="use a number")
    return float(value)
