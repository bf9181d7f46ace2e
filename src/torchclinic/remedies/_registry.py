"""The registry of remedies: one file each, registered under its name."""

from __future__ import annotations

from typing import TypeVar

from torchclinic.core import Registry, Remedy

REMEDIES = Registry[Remedy]("remedy", "torchclinic.remedies")

R = TypeVar("R", bound=type)


def register(kind: R) -> R:
    """Class decorator: put an instance of the remedy into `REMEDIES`."""
    member = kind()
    REMEDIES.add(member.name, member)
    return kind
