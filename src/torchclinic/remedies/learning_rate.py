"""The learning rate that a range test suggests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from torch import nn
from torch.optim import Optimizer

from torchclinic.core import Case, Change, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import constructor, number, rounded
from torchclinic.remedies._edited_optimizer import edit_optimizer
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register

CLOSE = 1.25  # a rate within this factor of the suggestion is left alone


@dataclass(frozen=True)
class SetLearningRate:
    """Set the first group's rate; the other groups keep their ratio to it."""

    rate: float
    place: Place = Place.OPTIONS

    def __call__(self, optimizer: Optimizer, model: nn.Module) -> Optimizer:  # noqa: ARG002
        """Set it in all groups and in the defaults."""
        first = float(optimizer.param_groups[0]["lr"])
        for group in optimizer.param_groups:
            ratio = float(group["lr"]) / first if first else 1.0
            group["lr"] = self.rate * ratio
        optimizer.defaults["lr"] = self.rate
        return optimizer


@register
class LearningRate(BaseRemedy):
    """Take the learning rate from the range test of this very recipe."""

    name = "learning-rate"
    title = "Learning rate from the range test"
    reason = "the loss falls fastest near this rate; the configured one is far from it"
    source = "Smith 2017, Cyclical Learning Rates, section 3.3, arXiv 1506.01186"
    needs_lr_range = True
    place = Place.OPTIONS
    repeatable = True

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies when there is a suggestion that differs from what is configured."""
        curve = case.lr_range
        rate = curve.suggestion if curve else None
        if curve is None or rate is None or not (math.isfinite(rate) and rate > 0):
            why = curve.reason if curve and curve.reason else "no range test has been made"
            return NotApplicable(f"no learning rate is suggested: {why}")
        rate = rounded(rate)
        now = case.recipe.optimizer.learning_rate if case.recipe else curve.configured
        if now and 1 / CLOSE <= rate / now <= CLOSE:
            return NotApplicable(f"the learning rate {now:g} is close to the suggested {rate:g}")
        title = f"Learning rate {rate:g}" + (f" instead of {now:g}" if now else "")
        code = constructor(recipe.optimizer, {"lr": rate})
        code = f"import torch\n\n{code}" if code else set_in_groups("lr", number(rate))
        return self.change(partial(edit_optimizer, edit=SetLearningRate(rate)), code, title=title)


def set_in_groups(option: str, value: str) -> str:
    """Code that sets one option of an optimizer that is there."""
    return f'for group in optimizer.param_groups:\n    group["{option}"] = {value}'
