"""A loss in which every class counts alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from torchclinic.core import Applicability, Case, Change, NotApplicable, Recipe
from torchclinic.core.recipe import LossFunction
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register


@dataclass(frozen=True)
class _Weights:
    loss: LossFunction
    code: str


@register
class ClassWeights(BaseRemedy):
    r"""Weigh each class by the inverse of its frequency, $w_c = N / (C n_c)$.

    For a single yes or no the positive class is weighed, by the number of negatives over that of
    positives.
    """

    name = "class-weights"
    title = "Classes weighed by the inverse of their frequency"
    applicability = Applicability.UNSAFE
    reason = "a class of few rows hardly counts in a loss that is a mean over rows"
    source = "King and Zeng 2001, Logistic Regression in Rare Events Data, section 4.2"
    place = Place.LOSS

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies to cross-entropy without weights, of classes that are counted."""
        counts = case.batch.targets.class_counts if case.batch else {}
        if len(counts) < 2:
            return NotApplicable("the classes are not counted")
        weights = _weighed(recipe.loss, counts)
        if isinstance(weights, NotApplicable):
            return weights
        return self.change(partial(_set, loss=weights.loss), weights.code)


def _set(recipe: Recipe, *, loss: LossFunction) -> Recipe:
    return recipe.replace(loss=loss)


def _weighed(loss: object, counts: Mapping[int, int]) -> _Weights | NotApplicable:
    if type(loss) is nn.CrossEntropyLoss and loss.weight is None:
        if loss.reduction != "mean" or sorted(counts) != list(range(len(counts))):
            return NotApplicable("not every class was seen, or the loss is no mean")
        weight = _inverse([counts[c] for c in range(len(counts))])
        shown = [float(f"{w:.3g}") for w in weight.tolist()]
        new = nn.CrossEntropyLoss(
            weight, ignore_index=loss.ignore_index, label_smoothing=loss.label_smoothing
        )
        return _Weights(new, f"loss = nn.CrossEntropyLoss(weight=torch.tensor({shown}))")
    if type(loss) is nn.BCEWithLogitsLoss and loss.pos_weight is None and set(counts) == {0, 1}:
        ratio = counts[0] / counts[1]
        new = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(ratio), reduction=loss.reduction)
        return _Weights(new, f"loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor({ratio:.3g}))")
    return NotApplicable("the loss takes no class weights, or has them")


def _inverse(counts: list[int]) -> Tensor:
    found = torch.tensor(counts, dtype=torch.float32)
    return found.sum() / (len(counts) * found)
