"""Momentum for plain gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn
from torch.optim import Optimizer

from torchclinic.core import Case, Change, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import constructor
from torchclinic.remedies._edited_optimizer import edit_optimizer
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register

MOMENTUM = 0.9  # Sutskever et al. 2013, and the common default since


@dataclass(frozen=True)
class UseMomentum:
    """Nesterov momentum in every group of an SGD optimizer."""

    momentum: float = MOMENTUM
    place: Place = Place.OPTIONS

    def __call__(self, optimizer: Optimizer, model: nn.Module) -> Optimizer:  # noqa: ARG002
        """Set it in all groups and in the defaults."""
        options = {"momentum": self.momentum, "nesterov": True, "dampening": 0}
        for group in (*optimizer.param_groups, optimizer.defaults):
            group.update(options)
        return optimizer


@register
class Momentum(BaseRemedy):
    """Add Nesterov momentum of 0.9 to SGD; the learning rate stays."""

    name = "momentum"
    title = "Nesterov momentum of 0.9"
    reason = "steps that agree add up to ten times their size, steps that oscillate cancel"
    source = "Sutskever et al. 2013, On the importance of initialization and momentum, ICML 28(3)"
    place = Place.OPTIONS

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies to SGD without momentum."""
        facts = case.recipe.optimizer if case.recipe else None
        if facts is None or facts.name != "SGD":
            return NotApplicable(
                f"the optimizer is {facts.name if facts else 'not known'}, not SGD"
            )
        if facts.momentum > 0:
            return NotApplicable(f"SGD has a momentum of {facts.momentum:g} already")
        options = {"momentum": MOMENTUM, "nesterov": True}
        code = constructor(recipe.optimizer, options)
        code = f"import torch\n\n{code}" if code else _IN_GROUPS
        return self.change(partial(edit_optimizer, edit=UseMomentum()), code)


_IN_GROUPS = f"""
for group in optimizer.param_groups:
    group.update(momentum={MOMENTUM}, nesterov=True)
"""
