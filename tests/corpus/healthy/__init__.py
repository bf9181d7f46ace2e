"""Trainings in which nothing is wrong; a finding on one of them is a false alarm."""

from corpus.healthy import (  # noqa: F401 - they register
    images,
    near_data,
    near_losses,
    near_start,
    near_structure,
    near_wiring,
    plane,
    sequences,
    tables,
    usages,
)
from corpus.register import HEALTHY as _ENTRIES

HEALTHY = tuple(_ENTRIES)
