"""Which runs are wanted, in groups that one call of an engine can make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Cell = tuple[str, int]  # arm and seed


@dataclass(frozen=True)
class Block:
    """Some arms with the same seeds.

    Attributes:
        arms: Their names.
        seeds: The seeds.
        watched: Whether the runs are watched.
    """

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    watched: bool = False


def blocks(cells: Iterable[Cell], watched: Callable[[Cell], bool]) -> tuple[Block, ...]:
    """The fewest blocks that hold these cells and no other; watched ones first, a seed each.

    Args:
        cells: Each once, in the order in which they are wanted.
        watched: Whether a cell's run is watched.

    >>> blocks([("a", 0), ("b", 0), ("a", 1)], lambda cell: False)
    (Block(arms=('b',), seeds=(0,), watched=False), Block(arms=('a',), seeds=(0, 1), watched=False))
    """
    chosen = list(cells)
    seen = [cell for cell in chosen if watched(cell)]
    by_seed = _grouped((seed, arm) for arm, seed in seen)
    found = [Block(arms, (seed,), watched=True) for seed, arms in by_seed.items()]
    by_arm = _grouped(cell for cell in chosen if cell not in set(seen))
    by_seeds = _grouped((seeds, arm) for arm, seeds in by_arm.items())
    shortest_first = sorted(by_seeds.items(), key=lambda item: len(item[0]))
    found += [Block(arms, seeds) for seeds, arms in shortest_first]
    return tuple(found)


def first_seeds_first(arms: Sequence[str], seeds: Sequence[int]) -> tuple[Cell, ...]:
    """All cells, seed after seed, so that the first ones make whole pairs."""
    return tuple((arm, seed) for seed in seeds for arm in arms)


def _grouped(pairs):  # noqa: ANN001, ANN202
    found = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}
