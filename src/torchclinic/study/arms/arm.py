"""Arm: one recipe in a comparison."""

from __future__ import annotations

from dataclasses import dataclass

from torchclinic.core import Recipe


@dataclass(frozen=True)
class Arm:
    """One recipe in a comparison.

    Attributes:
        name: What it is called in tables.
        recipe: What is trained.
        changes: What sets it apart from the base recipe, or "".
    """

    name: str
    recipe: Recipe
    changes: str = ""
