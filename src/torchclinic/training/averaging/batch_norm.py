"""The statistics of BatchNorm layers, measured anew for the weights that a model has now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]

from torchclinic.data import rows_of
from torchclinic.nn.surgery import plain_means
from torchclinic.training.objective import Objective
from torchclinic.training.rng import preserved


def tracking_layers(model: nn.Module) -> list[_BatchNorm]:
    """BatchNorm layers in training mode that keep running statistics.

    >>> len(tracking_layers(nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2).eval())))
    1
    """
    found = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    return [layer for layer in found if layer.training and layer.track_running_stats]


def measure_batch_norm(objective: Objective, batches: Iterable[Any], *, grad: bool = False) -> None:
    """Replace running statistics by their plain means over some batches.

    Only BatchNorm layers in training mode are measured. Everything else runs as in evaluation, so
    that dropout is off and the statistics are those that an evaluation meets. Batches smaller than
    the first are left out. Modes, momenta and the global generators are as before afterwards.

    Args:
        objective: Of the model whose layers they are.
        batches: With inputs and targets.
        grad: Whether the forward pass needs gradients.

    Source: Izmailov et al. 2018, arXiv 1803.05407, section 3.2.
    """
    model = objective.model
    layers = tracking_layers(model)
    if not layers:
        return
    with plain_means(model, layers), preserved(), torch.set_grad_enabled(grad):
        _run(objective, batches)


def _run(objective: Objective, batches: Iterable[Any]) -> None:
    first = None
    for batch in batches:
        rows = rows_of(batch) or 1
        first = rows if first is None else first
        if rows >= first:
            objective(batch)
