"""Loss and metric of a split, without leaving a trace in the training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from torchclinic.core import Recipe
from torchclinic.data import rows_of
from torchclinic.training.loss_kind import is_torch_loss, loss_option
from torchclinic.training.metrics import Accumulator, metric_accumulator
from torchclinic.training.objective import Objective
from torchclinic.training.rng import preserved

# Rows a batch, where the size of a batch does not change the loss: without gradients a batch may
# be some times larger than in training before it needs as much memory.
EVALUATION_ROWS = 512
EVALUATION_FACTOR = 8


class Scores(NamedTuple):
    """Loss and metric of a split."""

    loss: float
    metric: float | None


def evaluate(recipe: Recipe, model: nn.Module, batches: Any) -> Scores:
    """Loss and metric over all batches, in evaluation mode, without gradients.

    The loss is the mean of the batches' losses, weighted by their rows; penalties are left out.
    Weights, gradients, buffers, the modules' modes and the global generators are as before
    afterwards. A custom step runs with gradients enabled (it may differentiate with respect to
    its inputs) and gives the loss; a metric then takes the outputs of a plain forward pass.

    Args:
        recipe: Defines loss and metric.
        model: On the recipe's device.
        batches: `Batches`, or any iterable of batches.

    Returns:
        Loss (NaN without a batch) and metric (None where the loss judges).

    Raises:
        ModelError, LossError, DataError: As the training would.

    >>> recipe = Recipe(model=nn.Identity(), data=[], loss=nn.MSELoss(), optimizer=list, steps=1)
    >>> evaluate(recipe, nn.Identity(), [(torch.ones(3), torch.zeros(3)), (torch.ones(1),) * 2])
    Scores(loss=0.75, metric=None)
    """
    objective = Objective(recipe, model)
    metric = metric_accumulator(recipe)
    passes = batches.epoch if hasattr(batches, "epoch") else lambda _: iter(batches)
    fixed = torch.Generator().manual_seed(0)
    with preserved(), _evaluation_mode(model), torch.set_grad_enabled(recipe.step is not None):
        loss = _mean_loss(objective, metric, passes(fixed))
    return Scores(loss, None if metric is None else metric.value())


def evaluation_batch_size(recipe: Recipe) -> int | None:
    """Rows a batch for evaluation: many, unless the loss depends on how many.

    >>> recipe = Recipe(model=list, data=[], loss=nn.MSELoss(), optimizer=list, steps=1)
    >>> evaluation_batch_size(recipe), evaluation_batch_size(recipe.replace(batch_size=1000))
    (256, 1000)
    """
    if recipe.batch_size is None:
        return None
    mean = is_torch_loss(recipe.loss) and loss_option(recipe.loss, "reduction", "mean") == "mean"
    larger = min(EVALUATION_ROWS, EVALUATION_FACTOR * recipe.batch_size)
    return max(recipe.batch_size, larger) if mean else recipe.batch_size


def _mean_loss(objective: Objective, metric: Accumulator | None, batches: Iterable[Any]) -> float:
    total: Tensor | float = 0.0
    rows = 0
    for batch in batches:
        loss, outputs = objective(batch)
        count = rows_of(batch) or 1
        total = total + loss.detach().double() * count
        rows += count
        if metric is not None:
            metric.update(*objective.with_targets(batch, outputs))
    return float(total) / rows if rows else float("nan")


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
