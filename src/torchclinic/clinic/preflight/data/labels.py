"""LabelFacts: how the targets stand to the inputs, and in which order they come."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from torchclinic.clinic.preflight.data.likeness import (
    ROWS,
    likeness_of,
    neighbours_of,
    order_chance,
    whole_numbers,
)
from torchclinic.clinic.preflight.data.mixing import mixing
from torchclinic.clinic.preflight.sampling import finite_rows, first_input, sample_of
from torchclinic.core.facts import LabelFacts, TargetFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data.structure import tensors_of
from torchclinic.training import preserved, split_batch

_CLASSES = ("classes", "binary")


def label_facts(recipe: Recipe, targets: TargetFacts, sample: Any = None) -> LabelFacts | None:
    """Facts from up to 1,500 rows; None where there is one target a row in no known sense.

    Args:
        recipe: Its training part is looked at.
        targets: What kind of targets they are.
        sample: The rows, where the caller has drawn them already.

    Raises:
        DataError: When the data cannot be read.
    """
    if targets.kind not in (*_CLASSES, "real"):
        return None
    if sample is None:
        with preserved():
            sample = sample_of(recipe, recipe.splits.train, ROWS)
    sample = finite_rows(sample)
    labels = _one_a_row(sample)
    if labels is None:
        return None
    classes = targets.kind in _CLASSES
    if classes:
        labels = labels.round().long()
    inputs = first_input(sample)
    near = None
    if inputs is not None and inputs.is_floating_point() and len(inputs) == len(labels):
        near = neighbours_of(inputs)
    facts = LabelFacts(len(labels), mixing=mixing(recipe, labels) if classes else None)
    whole = None if classes else whole_numbers(labels)
    facts = dataclasses.replace(facts, whole=whole)
    if near is None or bool((labels == labels[0]).all()):
        return facts
    alike = likeness_of(near, labels)
    if alike is not None:
        facts = dataclasses.replace(facts, likeness=alike[0], chance=alike[1], z=alike[2])
    found = None if whole is None else order_chance(near, labels)
    if found is not None:
        facts = dataclasses.replace(facts, order_chance=found[0], pairs=found[1])
    return facts


def _one_a_row(sample: Any) -> Tensor | None:
    target = next(tensors_of(split_batch(sample)[1]), None)
    inputs = first_input(sample)
    if target is None or inputs is None or target.dim() == 0 or target.is_complex():
        return None
    one = target.numel() == len(target) == len(inputs)
    return target.detach().cpu().reshape(-1).to(torch.float64) if one else None
