"""A first, small pass, and how many rows the model can be given in one go after it."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

from torch import nn

from torchclinic.clinic.preflight.observing import Observation, observe
from torchclinic.clinic.preflight.sampling import repeated, thinned
from torchclinic.core.errors import ModelError
from torchclinic.core.recipe import Recipe
from torchclinic.data.structure import rows_of
from torchclinic.graph import ForwardMap, Role, unit_dim
from torchclinic.graph.layer_kinds import EMBEDDINGS

FEW_ROWS = 64  # enough to see the structure
FEWEST_ROWS = 32  # of the main pass, whatever it costs
# What one pass may cost, so that looking at a large model stays a matter of seconds: about a
# second of arithmetic on two cores, and memory that every machine that trains has.
MOST_PRODUCTS = 20e9
MOST_ELEMENTS = 300e6


class Probe(NamedTuple):
    """A first, small pass.

    Attributes:
        seen: What it showed.
        few: The rows that it went over.
        any_size: Whether the model takes other numbers of rows too.
    """

    seen: Observation
    few: Any
    any_size: bool


def probe(recipe: Recipe, model: nn.Module, sample: Any, rows: int = FEW_ROWS) -> Probe:
    """A pass over a few rows; over one batch's worth where the model takes no other number.

    Raises:
        ModelError, LossError, DataError: As the training would.
    """
    few = thinned(sample, rows)
    try:
        return Probe(observe(recipe, model, few), few, any_size=True)
    except ModelError:
        size = recipe.batch_size
        if size is None or rows_of(few) in (None, size):
            raise
        few = repeated(thinned(sample, size), size)
        return Probe(observe(recipe, model, few), few, any_size=False)


def affordable(sample: Any, first: Probe) -> Any:
    """As many rows of the sample as one pass may go over; all of them for most models.

    Args:
        sample: The rows there are.
        first: The first pass.
    """
    rows, used = rows_of(sample), rows_of(first.few)
    if rows is None or not used or not first.any_size:
        return first.few
    products, elements = cost(first.seen.forward_map)
    limit = int(used * min(MOST_PRODUCTS / max(products, 1), MOST_ELEMENTS / max(elements, 1)))
    return thinned(sample, max(limit, min(used, FEWEST_ROWS)))


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
