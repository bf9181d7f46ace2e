"""The loss of a batch, as a recipe defines it."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core import DataError, Recipe, TorchclinicError
from torchclinic.data import batch_to
from torchclinic.training.batch import all_finite, first_tensor, split_batch
from torchclinic.training.blame import raised_by_us
from torchclinic.training.forward import forward
from torchclinic.training.labels import target_error
from torchclinic.training.loss_errors import check_loss, loss_error, step_error
from torchclinic.training.loss_kind import is_torch_loss

OUTPUT_KEYS = ("logits", "out", "output", "outputs", "prediction", "predictions")


class Objective:
    """`objective(batch) -> (loss, outputs)` for one recipe and one model.

    The batch is moved to the recipe's device and the forward pass and the loss run under its
    autocast. Outputs that are a tuple or a dict reach a loss of one's own as they are; a torch
    loss gets their first tensor (of a dict the one called "logits", "out", "output" or
    "prediction" if there is one). With a custom step the outputs are None.

    Args:
        recipe: Defines loss or step, device and autocast.
        model: On the recipe's device.
    """

    def __init__(self, recipe: Recipe, model: nn.Module) -> None:
        self.model = model
        self.device = torch.device(recipe.device)
        self._loss = recipe.loss
        self._step = recipe.step
        self._one_tensor = is_torch_loss(recipe.loss)
        self._elsewhere = self.device.type != "cpu"
        self._dtype = None if recipe.autocast is None else getattr(torch, recipe.autocast)
        if isinstance(recipe.loss, nn.Module) and self._elsewhere:
            self._loss = copy.deepcopy(recipe.loss).to(self.device)  # its class weights

    def __call__(self, batch: Any) -> tuple[Tensor, Any]:
        """Loss and outputs of a batch.

        Raises:
            ModelError: When the forward pass raises.
            LossError: When the loss raises or is no scalar.
            DataError: When the batch has no targets, or targets that the loss cannot take.
        """
        if self._dtype is None:
            return self._evaluate(batch)
        with self.autocast():
            return self._evaluate(batch)

    def with_targets(self, batch: Any, outputs: Any) -> tuple[Any, Any]:
        """Outputs and targets for a metric; a custom step's outputs come from a forward pass."""
        inputs, targets = split_batch(self._moved(batch))
        if self._step is None:
            return outputs, targets
        with torch.no_grad(), self.autocast():
            return forward(self.model, inputs), targets

    def autocast(self) -> AbstractContextManager[Any]:
        """The recipe's autocast."""
        if self._dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self._dtype)

    def _moved(self, batch: Any) -> Any:
        return batch_to(batch, self.device) if self._elsewhere else batch

    def _evaluate(self, batch: Any) -> tuple[Tensor, Any]:
        if self._step is not None:
            return self._custom(self._moved(batch)), None
        inputs, targets = split_batch(self._moved(batch))
        if targets is None:
            raise DataError(
                f"a batch of type {type(batch).__name__} has no targets for the loss",
                hint="give (inputs, targets), or write step(model, batch) in place of loss",
            )
        outputs = forward(self.model, inputs)
        entering = self._entering(outputs)
        if self._elsewhere:  # a GPU answers a label out of range with a dead context
            self._insist_on_targets(entering, split_batch(batch)[1])
        return self._measure(entering, targets), outputs

    def _entering(self, outputs: Any) -> Any:
        """What the loss is given."""
        if not self._one_tensor or isinstance(outputs, Tensor):
            return outputs
        found = first_tensor(outputs, OUTPUT_KEYS)
        return outputs if found is None else found

    def _measure(self, entering: Any, targets: Any) -> Tensor:
        assert self._loss is not None
        try:
            loss = self._loss(entering, targets)
        except TorchclinicError:
            raise
        except Exception as error:
            if raised_by_us(error):
                raise
            wrong = target_error(self._loss, entering, targets)
            found = first_tensor(entering)
            if wrong is None and found is not None and not all_finite(found):
                return (found * float("nan")).sum()  # some losses refuse what a NaN in them gives
            raise (wrong or loss_error(self._loss, entering, targets, error)) from error
        return check_loss(loss, self._loss)

    def _custom(self, batch: Any) -> Tensor:
        assert self._step is not None
        try:
            loss = self._step(self.model, batch)
        except TorchclinicError:
            raise
        except Exception as error:
            if raised_by_us(error):
                raise
            raise step_error(self.model, batch, error) from error
        return check_loss(loss, self._step)

    def _insist_on_targets(self, entering: Any, targets: Any) -> None:
        if isinstance(targets, Tensor) and targets.device.type == "cpu":
            wrong = target_error(self._loss, entering, targets)
            if wrong is not None:
                raise wrong


def compute_loss(recipe: Recipe, model: nn.Module, batch: Any) -> tuple[Tensor, Any]:
    """Loss and outputs of one batch; the outputs are None with a custom step.

    Args:
        recipe: Defines loss or step, device and autocast.
        model: The model, in whichever mode it is; on the recipe's device.
        batch: As the data delivers it.

    Raises:
        ModelError: When the forward pass raises.
        LossError: When the loss raises or is no scalar.
        DataError: When the batch has no targets, or targets that the loss cannot take.

    >>> recipe = Recipe(model=nn.Identity(), data=[], loss=nn.MSELoss(), optimizer=list, steps=1)
    >>> loss, _ = compute_loss(recipe, nn.Identity(), (torch.ones(4), torch.zeros(4)))
    >>> float(loss)
    1.0
    """
    return Objective(recipe, model)(batch)
