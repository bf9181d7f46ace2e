"""Words at the ends of many lines, pushed apart until they can be read."""

from __future__ import annotations

from collections.abc import Sequence

LINE = 15.0  # pixels from one word to the next


def spread(places: Sequence[float], height: float, line: float = LINE) -> list[float]:
    """Where words go that would overlap at their places, in pixels from the top.

    Neighbours that are too close share one block around the mean of their places; blocks that
    meet are joined (pool adjacent violators), so that no word moves further than it must.

    Args:
        places: Where each word belongs.
        height: Of the plot; the words stay inside as long as there is room for all.
        line: Smallest distance.

    >>> spread([10.0, 12.0, 80.0], 100.0, line=10.0)
    [6.0, 16.0, 80.0]
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    blocks: list[tuple[float, list[int]]] = []  # where the first word would stand, the words
    for place in order:
        blocks.append((places[place], [place]))
        while len(blocks) > 1 and _end(blocks[-2], line) > blocks[-1][0]:
            (top, first), (_, second) = blocks[-2:]
            start = _start([*first, *second], places, line)
            blocks[-2:] = [(start, [*first, *second])]
    found = [0.0] * len(places)
    for top, words in blocks:
        for row, place in enumerate(words):
            found[place] = top + row * line
    return _inside(found, height)


def _end(block: tuple[float, list[int]], line: float) -> float:
    """Where the next word may stand."""
    return block[0] + line * len(block[1])


def _start(words: Sequence[int], places: Sequence[float], line: float) -> float:
    """Where the first word of a block stands so that the block is nearest to its places."""
    return sum(places[place] - row * line for row, place in enumerate(words)) / len(words)


def _inside(found: list[float], height: float) -> list[float]:
    """The words moved together, down from the top or up from the bottom."""
    if not found:
        return found
    over = max(0.0, max(found) - height)
    shifted = [place - over for place in found]
    under = max(0.0, -min(shifted))
    return [round(place + under, 1) for place in shifted]
