"""Remedy and Change: a named, reasoned change of a Recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

from torchclinic.core.applied_change import AppliedChange
from torchclinic.core.facts import Case
from torchclinic.core.recipe import Recipe


class Applicability(str, Enum):
    """How freely a remedy may be applied.

    SAFE keeps what the model can express; UNSAFE may change it (other layers, other loss);
    DISPLAY_ONLY is shown but never applied by itself.
    """

    SAFE = "safe"
    UNSAFE = "unsafe"
    DISPLAY_ONLY = "display-only"


@dataclass(frozen=True)
class NotApplicable:
    """Why a remedy does not fit a recipe."""

    reason: str


@dataclass(frozen=True)
class Change:
    """A remedy made concrete for one recipe.

    Attributes:
        info: What will be remembered on the changed Recipe.
        transform: Recipe -> Recipe; pure.
    """

    info: AppliedChange
    transform: Callable[[Recipe], Recipe]

    def apply(self, recipe: Recipe) -> Recipe:
        """The changed Recipe, with `info` appended to its `changes`."""
        changed = self.transform(recipe)
        return dataclasses.replace(changed, changes=(*recipe.changes, self.info))


@runtime_checkable
class Remedy(Protocol):
    """A named change Recipe -> Recipe.

    Attributes:
        name: Kebab-case, unique.
        title: One line.
        applicability: How freely it may be applied.
        reason: Why it helps.
        source: Paper.
        needs_lr_range: Whether `plan` reads `case.lr_range` of the very recipe it is given.
    """

    name: str
    title: str
    applicability: Applicability
    reason: str
    source: str
    needs_lr_range: bool

    def plan(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """The change for this recipe, or why there is none. Builds nothing, trains nothing."""
        ...
