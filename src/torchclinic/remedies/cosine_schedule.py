"""A learning rate that falls to 0 along a cosine."""

from __future__ import annotations

from functools import partial
from typing import Any

from torchclinic.core import Case, Change, NotApplicable, Recipe, Schedule
from torchclinic.optim import CosineDecay, WarmUp
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies.warm_up import warm_up_code


@register
class CosineSchedule(BaseRemedy):
    """Let the learning rate fall along half a cosine to the end of the training."""

    name = "cosine-schedule"
    title = "Cosine decay of the learning rate"
    reason = "large steps find the valley, small steps at the end settle in it"
    source = "Loshchilov and Hutter 2017, SGDR, arXiv 1608.03983"
    place = Place.SCHEDULE

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies to recipes without a schedule, or with our warm-up only."""
        present = recipe.schedule
        factory: Any = present.factory if isinstance(present, Schedule) else present
        plain = isinstance(factory, WarmUp) and not isinstance(factory, CosineDecay)
        if factory is not None and not plain:
            return NotApplicable("the recipe has a schedule of its own already")
        share = factory.share if isinstance(factory, WarmUp) else 0.0
        code = warm_up_code(case, share=share, decay=True)
        return self.change(partial(_decay, share=share), code)


def _decay(recipe: Recipe, share: float) -> Recipe:
    name = "warm-up and cosine" if share else "cosine"
    return recipe.replace(schedule=Schedule(CosineDecay(share=share), per="step", name=name))
