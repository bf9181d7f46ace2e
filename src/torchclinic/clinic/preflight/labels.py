"""LabelFacts: how the targets stand to the inputs, and in which order they come."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torchclinic.clinic.preflight.likeness import ROWS, likeness
from torchclinic.clinic.preflight.mixing import mixing
from torchclinic.clinic.preflight.sampling import finite_rows, first_input, sample_of
from torchclinic.core.facts import LabelFacts, TargetFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data.structure import tensors_of
from torchclinic.training import preserved, split_batch

_CLASSES = ("classes", "binary")


def label_facts(recipe: Recipe, targets: TargetFacts) -> LabelFacts | None:
    """Facts from up to 1,500 rows; None where there is one target a row in no known sense.

    Args:
        recipe: Its training part is looked at.
        targets: What kind of targets they are.

    Raises:
        DataError: When the data cannot be read.
    """
    if targets.kind not in (*_CLASSES, "real"):
        return None
    with preserved():
        sample = finite_rows(sample_of(recipe, recipe.splits.train, ROWS))
    labels = _one_a_row(sample)
    if labels is None:
        return None
    if targets.kind in _CLASSES:
        labels = labels.round().long()
    inputs = first_input(sample)
    alike = None
    if inputs is not None and inputs.is_floating_point() and len(inputs) == len(labels):
        alike = likeness(inputs, labels)
    order = mixing(recipe, labels) if targets.kind in _CLASSES else None
    if alike is None:
        return LabelFacts(len(labels), mixing=order)
    return LabelFacts(len(labels), *alike, mixing=order)


def _one_a_row(sample: Any) -> Tensor | None:
    target = next(tensors_of(split_batch(sample)[1]), None)
    inputs = first_input(sample)
    if target is None or inputs is None or target.dim() == 0 or target.is_complex():
        return None
    one = target.numel() == len(target) == len(inputs)
    return target.detach().cpu().reshape(-1).to(torch.float64) if one else None
