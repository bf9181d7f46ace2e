"""Regression at the scale of 1 inside, in the unit of the targets outside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from torchclinic.core import Case, Change, NotApplicable, Recipe, SurgeryError, TargetFacts
from torchclinic.nn import Destandardise
from torchclinic.nn.standardise import channel_statistics
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._edited_optimizer import keep_reach
from torchclinic.remedies._losses import StandardisedLoss
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._rows import statistics_rows
from torchclinic.remedies._sample import Sample, split
from torchclinic.remedies.surgery import alike

ERRORS = ("mse", "l1", "huber")  # losses of the difference between output and target
STANDARD_MEAN = 0.1
STANDARD_STD = (0.5, 2.0)  # as rule P2 of inputs


@dataclass(frozen=True)
class DestandardiseLast:
    """Put `Destandardise(mean, std)` behind; the statistics are numbers or lists of them."""

    mean: Any
    std: Any
    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:  # noqa: ARG002
        """The model in front of the layer."""
        layer = alike(Destandardise(self.mean, self.std), model)
        return nn.Sequential(model, layer).train(model.training)


@register
class StandardiseTargets(BaseRemedy):
    """Let the model predict standardised targets and turn its predictions back.

    A last layer multiplies by the targets' standard deviation and adds their mean, so predictions
    and metrics keep the targets' unit; the loss is taken in standard deviations.
    """

    name = "standardise-targets"
    title = "Targets standardised inside, predictions in their own unit"
    reason = "with large targets the loss's gradient is as large, and the output bias far away"
    source = "Bishop 1995, Neural Networks for Pattern Recognition, section 8.2"
    place = Place.MODEL

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies to a regression with squared, absolute or Huber error."""
        facts, batch = case.recipe, case.batch
        if facts is None or batch is None:
            return NotApplicable("the targets are not known")
        if batch.targets.kind != "real" or facts.loss_kind not in ERRORS or recipe.loss is None:
            return NotApplicable(
                f"loss {facts.loss} on targets of kind {batch.targets.kind!r} is no regression"
            )
        if _is_standard(batch.targets):
            return NotApplicable("the targets are standardised already")
        return self.change(partial(_standardise, dim=_column_dim(batch.targets)), _CODE)


def _standardise(recipe: Recipe, dim: int | None) -> Recipe:
    rows = statistics_rows(recipe.splits.train)
    targets = None if rows is None else split(rows)[1]
    if not isinstance(targets, Tensor):
        raise SurgeryError(f"the targets are {type(targets).__name__}, not one tensor")
    assert recipe.loss is not None
    statistics = channel_statistics(targets, dim)
    mean, std = (value.tolist() for value in statistics)
    if not isinstance(recipe.loss, StandardisedLoss):
        recipe = recipe.replace(loss=StandardisedLoss(recipe.loss, mean, std))
    return edit_model(keep_reach(recipe), DestandardiseLast(mean, std))


def _is_standard(facts: TargetFacts) -> bool:
    low, high = STANDARD_STD
    near = facts.mean is not None and abs(facts.mean) < STANDARD_MEAN
    return near and facts.std is not None and low < facts.std < high


def _column_dim(facts: TargetFacts) -> int | None:
    return -1 if len(facts.shape) == 2 else None


_CODE = """
from torch import nn
from torchclinic.nn import Destandardise

target_mean, target_std = train_targets.mean(0), train_targets.std(0, correction=0)
model = nn.Sequential(model, Destandardise(target_mean, target_std))
loss_in_own_unit = loss_fn


def loss_fn(output, target):
    return loss_in_own_unit(
        (output - target_mean) / target_std, (target - target_mean) / target_std
    )
"""
