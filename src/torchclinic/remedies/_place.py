"""Where in a training script a change belongs: changes are performed and printed in this order."""

from __future__ import annotations

from enum import IntEnum


class Place(IntEnum):
    """Parts of a training script, from top to bottom.

    Changes of one part keep the order in which they were applied: a later one may name layers
    that an earlier one made.
    """

    DATA = 0  # rows are dropped
    MODEL = 1  # layers are replaced, inserted, wrapped
    WEIGHTS = 2  # weights are initialised; the layers must be there
    OUTPUT_WEIGHTS = 3  # the output layer's alone, after all others
    LOSS = 4
    OPTIMIZER = 5  # the parameters must be there
    OPTIONS = 6  # options of the optimizer that is there by then
    SCHEDULE = 7
    LOOP = 8  # inside the training loop
