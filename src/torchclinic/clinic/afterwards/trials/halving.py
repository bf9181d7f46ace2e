"""A training part cut in two so that the second half tells what the first one teaches."""

from __future__ import annotations

from typing import Any, NamedTuple

from torchclinic.clinic.afterwards.trials.cutting import cut
from torchclinic.clinic.preflight.data.points import nearest_distance, points_of
from torchclinic.clinic.preflight.sampling import first_input
from torchclinic.core.recipe import Recipe
from torchclinic.data import batches
from torchclinic.data.structure import take_rows

ASKED_ROWS = 2000  # of the second half and of the validation part
KNOWN_ROWS = 4000  # of the first half, among which twins are looked for
FEWEST_ROWS = 40
FEWEST_LEFT = 0.25  # of the second half, when twins are out
TWIN = 0.5  # of the validation rows' median distance to the first half


class Halves(NamedTuple):
    """The rows to learn from, of the source's own kind, and those to ask about, in memory."""

    first: Any
    second: Any


def halves_of(recipe: Recipe) -> Halves | None:
    """The first and the last rows of the training part (of each class).

    Rows that follow each other often belong together (windows of one record, frames of one film,
    later times), and stay in one half like that. Of the second half the rows are left out that
    lie far nearer to a row of the first than validation rows do: they would be known by heart.

    Returns:
        None where the part cannot be cut by row, its rows cannot be compared, or the second half
        has too few of its own.
    """
    parts = cut(recipe.splits.train)
    if parts is None or recipe.splits.validation is None:
        return None
    first, rest = parts
    known = batches(first, batch_size=recipe.batch_size).sample(KNOWN_ROWS)
    second = batches(rest, batch_size=recipe.batch_size).sample(ASKED_ROWS)
    other = batches(recipe.splits.validation, batch_size=recipe.batch_size).sample(ASKED_ROWS)
    second = tuple(second) if isinstance(second, list) else second
    found = points_of(first_input(known), first_input(second), first_input(other))
    if found is None:
        return None
    mine, asked, theirs = found
    limit = TWIN * float(nearest_distance(mine, theirs).median())
    kept = (nearest_distance(mine, asked) > limit).nonzero().flatten()
    if len(kept) < max(FEWEST_ROWS, FEWEST_LEFT * len(asked)):
        return None
    return Halves(first, take_rows(second, kept))
