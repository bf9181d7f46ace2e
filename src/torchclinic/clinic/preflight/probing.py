"""A first, small pass, and how many rows the model can be given in one go after it."""

from __future__ import annotations

from math import prod
from typing import Any

from torch import nn

from torchclinic.clinic.preflight.observing import Observation, observe
from torchclinic.clinic.preflight.sampling import repeated, thinned
from torchclinic.core.errors import ModelError
from torchclinic.core.recipe import Recipe
from torchclinic.data.structure import rows_of
from torchclinic.graph import ForwardMap, Role, unit_dim
from torchclinic.graph.layer_kinds import EMBEDDINGS

FEW_ROWS = 64  # enough to see the structure
# What one pass may cost, so that looking at a large model stays a matter of seconds: about a
# second of arithmetic on two cores, and memory that every machine that trains has.
MOST_PRODUCTS = 20e9
MOST_ELEMENTS = 300e6


def probe(
    recipe: Recipe, model: nn.Module, sample: Any, rows: int = FEW_ROWS
) -> tuple[Observation, Any]:
    """A pass over a few rows; over one batch's worth where the model takes no other number.

    Returns:
        What was seen, and the rows that it was seen on.

    Raises:
        ModelError, LossError, DataError: As the training would.
    """
    few = thinned(sample, rows)
    try:
        return observe(recipe, model, few), few
    except ModelError:
        size = recipe.batch_size
        if size is None or rows_of(few) in (None, size):
            raise
        few = repeated(few, size)
        return observe(recipe, model, few), few


def affordable(sample: Any, few: Any, seen: Observation) -> Any:
    """As many rows of the sample as one pass may go over; all of them for most models.

    Args:
        sample: The rows there are.
        few: The rows of the first pass.
        seen: What it showed.
    """
    rows, used = rows_of(sample), rows_of(few)
    if rows is None or not used:
        return few
    products, elements = cost(seen.forward_map)
    limit = int(used * min(MOST_PRODUCTS / max(products, 1), MOST_ELEMENTS / max(elements, 1)))
    return thinned(sample, max(limit, min(used, 32)))


def cost(forward_map: ForwardMap) -> tuple[int, int]:
    """Multiplications of the layers in the recorded pass, and elements of all that it made.

    >>> import torch
    >>> from torchclinic.graph import ForwardRecorder
    >>> model = nn.Linear(5, 3)
    >>> with ForwardRecorder(model) as recorder:
    ...     _ = model(torch.zeros(2, 5))
    >>> cost(recorder.result())
    (36, 16)
    """
    weights = {layer.name: _weights(layer.module, layer.weight) for layer in forward_map.layers}
    kinds = {layer.name: layer.kind for layer in forward_map.layers}
    products = 0
    for op in forward_map.ops:
        if op.role is Role.LAYER and op.layer in kinds and kinds[op.layer] not in EMBEDDINGS:
            units = op.shape[unit_dim(kinds[op.layer])] if len(op.shape) > 1 else 1
            products += weights[op.layer] * prod(op.shape) // max(units, 1)
    return products, sum(prod(op.shape) for op in forward_map.ops)


def _weights(module: nn.Module | None, weight: nn.Parameter | None) -> int:
    if weight is not None:
        return weight.numel()
    return sum(p.numel() for p in module.parameters()) if module is not None else 0
