"""What a view does with axes, told from sizes alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from math import prod
from operator import mul
from typing import Literal, NamedTuple

Sizes = tuple[int, ...]


class Regrouping(NamedTuple):
    """Axes that a view neither splits nor merges as they stand.

    Attributes:
        was: Their sizes before.
        now: Their sizes after.
        kind: "swapped" where the sizes are the same in another order; "straddles" where they are
            others, and some new row holds the end of one old row and the beginning of the next.
        certain: Whether no splitting and merging of neighbours gives these sizes: it straddles.
    """

    was: Sizes
    now: Sizes
    kind: Literal["swapped", "straddles"]
    certain: bool


def regrouping(before: Sizes, after: Sizes) -> Regrouping | None:
    """The first axes that a view from one shape to another mixes; None where it mixes none.

    A view keeps elements in their order. Axes are split and merged cleanly when the strides of
    both shapes divide each other in turn; where they do not, elements of two old rows stand in one
    new row.

    >>> regrouping((7, 10, 5), (7, 5, 10))
    Regrouping(was=(10, 5), now=(5, 10), kind='swapped', certain=False)
    >>> regrouping((7, 13, 32), (7, 4, 13, 8)).kind
    'straddles'
    >>> regrouping((7, 13, 32), (7, 13, 4, 8)) is None
    True
    """
    for was, now in _groups(_without_ones(before), _without_ones(after)):
        if len(was) < 2 or len(now) < 2:
            continue  # a split or a merge
        strides = sorted({*_strides(was), *_strides(now)})
        straddles = any(larger % smaller for smaller, larger in pairwise(strides))
        if sorted(was) == sorted(now):
            return Regrouping(was, now, "swapped", straddles)
        if straddles:
            return Regrouping(was, now, "straddles", certain=True)
    return None


def groups(before: Sizes, after: Sizes) -> Iterator[tuple[Sizes, Sizes]]:
    """Axes before and after that hold the same elements, in the smallest such groups.

    >>> list(groups((7, 2, 3), (14, 3)))
    [((7, 2), (14,)), ((3,), (3,))]
    """
    return _groups(_without_ones(before), _without_ones(after))


def _groups(before: Sizes, after: Sizes) -> Iterator[tuple[Sizes, Sizes]]:
    if prod(before) != prod(after) or not prod(before):
        return
    one, other = 0, 0
    while one < len(before) and other < len(after):
        end, stop = one + 1, other + 1
        while (left := prod(before[one:end])) != (right := prod(after[other:stop])):
            if left < right:
                end += 1
            else:
                stop += 1
        yield before[one:end], after[other:stop]
        one, other = end, stop


def _without_ones(sizes: Sizes) -> Sizes:
    return tuple(size for size in sizes if size != 1)


def _strides(sizes: Sizes) -> Iterator[int]:
    """Elements behind each axis, of all but the first."""
    return accumulate(reversed(sizes[1:]), mul)
