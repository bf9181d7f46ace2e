"""A hundredth of every penalty on the weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial

from torch import nn
from torch.optim import Optimizer

from torchclinic.core import Case, Change, NotApplicable, Penalty, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import number
from torchclinic.remedies._edited_optimizer import edit_optimizer
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register

FACTOR = 0.01


@dataclass(frozen=True)
class ScaleWeightDecay:
    """Multiply the weight decay of every group."""

    factor: float = FACTOR
    place: Place = Place.OPTIONS

    def __call__(self, optimizer: Optimizer, model: nn.Module) -> Optimizer:  # noqa: ARG002
        """Scale it in all groups and in the defaults."""
        for group in (*optimizer.param_groups, optimizer.defaults):
            if "weight_decay" in group:
                group["weight_decay"] = group["weight_decay"] * self.factor
        return optimizer


@register
class WeakenPenalty(BaseRemedy):
    """Divide the weight decay and the L1 and L2 penalties by 100."""

    name = "weaken-penalty"
    title = "A hundredth of the penalty on the weights"
    reason = "a penalty whose gradient outweighs the loss's pulls the weights to 0"
    source = "Goodfellow, Bengio and Courville 2016, Deep Learning, section 7.1"
    place = Place.OPTIONS

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies when there is a penalty or weight decay."""
        decay = case.recipe.optimizer.weight_decay if case.recipe else 0.0
        penalties = [penalty for penalty in recipe.penalties if penalty.weight > 0]
        if not (decay > 0 or penalties):
            return NotApplicable("there is no penalty on the weights")
        return self.change(partial(_weaken, decay=decay > 0), _code(decay, penalties))


def _weaken(recipe: Recipe, *, decay: bool) -> Recipe:
    weaker = tuple(dataclasses.replace(p, weight=p.weight * FACTOR) for p in recipe.penalties)
    recipe = recipe.replace(penalties=weaker)
    return edit_optimizer(recipe, ScaleWeightDecay()) if decay else recipe


def _code(decay: float, penalties: list[Penalty]) -> str:
    lines = []
    if decay > 0:
        lines += ["for group in optimizer.param_groups:", f'    group["weight_decay"] *= {FACTOR}']
    lines += [
        f"{penalty.kind}_weight = {number(penalty.weight * FACTOR)}  # was {penalty.weight:g}"
        for penalty in penalties
    ]
    return "\n".join(lines)
