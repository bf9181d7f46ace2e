"""Trainings with one thing wrong, each beside the healthy training that it was made from."""

from corpus.faulty import (  # noqa: F401 - they register
    asked,
    axes,
    data,
    gradients,
    losses,
    parts,
    rates,
    regularisation,
    specification,
    start,
    structure,
    wiring,
)
from corpus.register import FAULTY as _ENTRIES

FAULTY = tuple(_ENTRIES)
