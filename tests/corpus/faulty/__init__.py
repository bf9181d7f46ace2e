"""Trainings with one thing wrong, each beside the healthy training that it was made from."""

from corpus.faulty import specification  # noqa: F401 - it registers
from corpus.register import FAULTY as _ENTRIES

FAULTY = tuple(_ENTRIES)
