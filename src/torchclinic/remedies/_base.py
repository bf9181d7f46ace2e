"""What all remedies share: a name with its paper, and a plan that is made once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from torchclinic.core import (
    Applicability,
    AppliedChange,
    Case,
    Change,
    NotApplicable,
    Recipe,
)
from torchclinic.remedies._place import Place


class BaseRemedy(ABC):
    """A named change Recipe -> Recipe; see `torchclinic.core.Remedy`.

    A subclass sets the class attributes and writes `propose`. It is not proposed twice for one
    recipe unless `repeatable` says that a second time with other facts makes sense.

    Attributes:
        place: Where in a script its code belongs.
        repeatable: Whether it may be applied to a recipe that it has changed already.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    applicability: ClassVar[Applicability] = Applicability.SAFE
    reason: ClassVar[str]
    source: ClassVar[str]
    needs_lr_range: ClassVar[bool] = False
    place: ClassVar[Place]
    repeatable: ClassVar[bool] = False

    def plan(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """The change for this recipe, or why there is none. Builds nothing, trains nothing."""
        done = any(change.remedy == self.name for change in recipe.changes)
        if done and not self.repeatable:
            return NotApplicable(f"{self.name} has been applied already")
        return self.propose(recipe, case)

    @abstractmethod
    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """The change, decided from the facts."""

    def change(
        self,
        transform: Callable[[Recipe], Recipe],
        code: str,
        *,
        title: str | None = None,
        reason: str | None = None,
    ) -> Change:
        """A Change by this remedy."""
        info = AppliedChange(
            remedy=self.name,
            title=title or self.title,
            reason=reason or self.reason,
            code=code.strip("\n"),
            source=self.source,
        )
        return Change(info=info, transform=transform)
