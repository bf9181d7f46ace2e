"""A training that stands in somebody's own code: live model, live optimizer, data, loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from torchclinic.core import Recipe, UsageError


@dataclass(frozen=True, eq=False)
class TrainingLoop:
    """What an LR range test needs of a loop of one's own. Nothing of it is changed.

    Exactly one of `loss` and `step` is given.

    Attributes:
        model: As it is now; its weights are where every sweep starts.
        optimizer: As it is now, with its state and the ratios between its groups' rates.
        loader: A DataLoader, any other iterable of batches, or (inputs, targets) tensors.
        loss: `loss(output, target) -> scalar tensor`.
        step: `step(batch) -> scalar tensor`, which runs the model itself; batches may be dicts or
            anything else. The test differentiates what it returns and steps the optimizer.
        accumulate: Batches whose gradients make one update.
        before_step: Called when the gradients are there, such as to clip them.
        batch_size: Rows a batch, where the loader is tensors.

    Raises:
        UsageError: If something is missing or contradictory, or the loader can be read only once.

    >>> net = nn.Linear(2, 1)
    >>> loop = TrainingLoop(net, torch.optim.SGD(net.parameters(), lr=0.1), [], loss=nn.MSELoss())
    >>> loop.as_recipe().optimizer([]) is loop.optimizer
    True
    """

    model: nn.Module
    optimizer: Optimizer
    loader: Any
    loss: Callable[[Any, Any], Tensor] | None = None
    step: Callable[[Any], Tensor] | None = None
    accumulate: int = 1
    before_step: Callable[[], Any] | None = None
    batch_size: int = 32

    def __post_init__(self) -> None:
        if not isinstance(self.model, nn.Module) or not isinstance(self.optimizer, Optimizer):
            raise UsageError(
                f"model is a {type(self.model).__name__} and optimizer a "
                f"{type(self.optimizer).__name__}",
                hint="give the module and the optimizer of the loop, not what makes them",
            )
        if (self.loss is None) == (self.step is None):
            raise UsageError(
                "a loop needs exactly one of loss and step",
                hint="loss(output, target), or step(batch) which runs the model itself",
            )
        if isinstance(self.loader, Iterator):
            raise UsageError(
                f"the loader is a {type(self.loader).__name__}, which can be read only once",
                hint="give what it was made from: the DataLoader, not iter(loader)",
            )
        if any(is_lazy(tensor) for tensor in self.model.parameters()):
            raise UsageError(
                "the model has layers that do not know their shape yet",
                hint="run one batch through it first: model(inputs)",
            )

    def as_recipe(self) -> Recipe:
        """A Recipe whose parts are the live ones, for the code that makes updates."""
        own = self.step
        device = next((p.device for p in self.model.parameters()), torch.device("cpu"))
        return Recipe(
            model=self.model,
            data=self.loader,
            loss=self.loss,
            step=None if own is None else lambda _, batch: own(batch),
            optimizer=lambda _: self.optimizer,
            batch_size=self.batch_size,
            accumulate=self.accumulate,
            steps=1,
            device=str(device),
            name=type(self.model).__name__,
        )
