"""A constant learning rate in place of a schedule that harms."""

from __future__ import annotations

from torchclinic.core import Case, Change, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register


@register
class DropSchedule(BaseRemedy):
    """Keep the learning rate constant: no schedule."""

    name = "drop-schedule"
    title = "Constant learning rate, without the schedule"
    reason = "a schedule that takes the rate far too high or low undoes what the others learn"
    source = "Goodfellow, Bengio and Courville 2016, Deep Learning, section 8.3.1"
    place = Place.SCHEDULE

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to recipes with a schedule."""
        if recipe.schedule is None:
            return NotApplicable("the recipe has no schedule")
        return self.change(_drop, "scheduler = None  # and no scheduler.step() in the loop")


def _drop(recipe: Recipe) -> Recipe:
    return recipe.replace(schedule=None)
