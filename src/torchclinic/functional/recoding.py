"""Which classes of one part of the data are another class in the other part."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple


class Recoding(NamedTuple):
    """Classes that go under another number.

    Attributes:
        moves: (number in training, number in validation) of each, in order.
        moved: Rows that the moves explain.
        kept: Rows of these classes that have the same number in both.
        z: (moved - kept) / sqrt(moved + kept), McNemar's statistic.
    """

    moves: tuple[tuple[int, int], ...]
    moved: int
    kept: int
    z: float


def recoding(
    confusion: Mapping[tuple[int, int], int],
    known: Collection[int],
    *,
    share: float,
    kept: float,
) -> Recoding | None:
    r"""The renumbering of classes that explains the rows better than "nothing was renumbered".

    Class $k$ is renumbered $m$ where at least `share` of the rows that are taken for $k$ belong to
    $m$ and at most `kept` of them to $k$, and at least half of the rows of $m$ are taken for $k$.
    A class that the training part lacks cannot be told from a new number, so at least two classes
    must move to numbers that it has.

    Args:
        confusion: (class that a row is taken for, class that it has) -> rows.
        known: Classes of the training part.
        share: Of the rows of a class that must have moved.
        kept: Of them that may have stayed.

    Returns:
        None where fewer than two classes moved.

    Source: McNemar 1947, doi 10.1007/BF02295996, for the comparison of the two readings.

    >>> recoding({(0, 1): 20, (1, 0): 18, (1, 1): 2}, {0, 1}, share=0.6, kept=0.2).moves
    ((0, 1), (1, 0))
    """
    taken: dict[int, int] = {}
    having: dict[int, int] = {}
    for (said, truth), rows in confusion.items():
        taken[said] = taken.get(said, 0) + rows
        having[truth] = having.get(truth, 0) + rows
    moves: list[tuple[int, int]] = []
    for (said, truth), rows in sorted(confusion.items()):
        stayed = confusion.get((said, said), 0)
        clear = rows >= share * taken[said] and stayed <= kept * taken[said]
        if said != truth and truth in known and clear and 2 * rows >= having[truth]:
            moves.append((said, truth))
    moved = sum(confusion[move] for move in moves)
    same = sum(confusion.get((said, said), 0) for said, _ in moves)
    if len(moves) < 2 or moved + same == 0:
        return None
    return Recoding(tuple(moves), moved, same, (moved - same) / math.sqrt(moved + same))
