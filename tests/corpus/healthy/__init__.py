"""Trainings in which nothing is wrong; a finding on one of them is a false alarm."""

from corpus.healthy import images, near_data, near_structure, plane, sequences, tables, usages  # noqa: F401 - they register
from corpus.register import HEALTHY as _ENTRIES

HEALTHY = tuple(_ENTRIES)
