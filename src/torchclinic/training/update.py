"""One optimizer update from the batches that make it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from torchclinic.core import Recipe, RecipeError, TrainingError
from torchclinic.data import rows_of
from torchclinic.training.blame import raised_by_us
from torchclinic.training.clipping import agc_, max_norm_
from torchclinic.training.loss_errors import backward_error, gradient_error
from torchclinic.training.objective import Objective
from torchclinic.training.penalties import Penalties, weight_names


class Update:
    """`update(batches) -> loss`: gradients of their mean loss, penalties, clipping, step.

    The mean over several batches is weighted by their rows, so that it is what one batch made of
    them all would give. Penalties are added once an update, then the gradient is clipped by norm,
    then adaptively, then by value. A max-norm constraint is met after the step. Under float16 on a
    GPU the loss is scaled (`torch.amp.GradScaler`), and an update whose gradients overflow is left
    out. An optimizer whose `step` needs a closure (LBFGS) gets one that evaluates the same batches
    anew.

    Args:
        recipe: Defines loss, penalties, clipping, constraint and autocast.
        model: On the recipe's device, in training mode.
        optimizer: What steps.

    Attributes:
        gradient_norm: Total norm of the last update's gradient before clipping, None unless the
            recipe clips by norm.
        scaler: The gradient scaler, None where none is needed.
        before_step: Told the loss when the gradients are there and the optimizer has not stepped
            (of a closure, the first one); None for nobody.
    """

    def __init__(self, recipe: Recipe, model: nn.Module, optimizer: Optimizer) -> None:
        self._objective = Objective(recipe, model)
        self._recipe = recipe
        self._model = model
        self._optimizer = optimizer
        self._penalties = Penalties(recipe.penalties, model) if recipe.penalties else None
        self._held = _unique([*model.parameters(), *_parameters(optimizer)])
        self.gradient_norm: Tensor | None = None
        self.before_step: Callable[[Tensor], Any] | None = None
        self.scaler = _scaler(recipe, self._objective.device)
        self._clipped = list(model.parameters()) if self.scaler is None else _parameters(optimizer)
        self._closed = _needs_closure(optimizer)
        clips = (recipe.clip_norm, recipe.clip_adaptive, recipe.clip_value)
        self._plain = self._penalties is None and all(limit is None for limit in clips)
        self._bounded = _weights(model) if recipe.max_norm is not None else []
        if self._closed and self.scaler is not None:
            raise RecipeError(
                f"{type(optimizer).__name__} evaluates a closure, which float16 cannot scale",
                hint="use autocast='bfloat16'",
            )

    def __call__(self, group: Sequence[Any]) -> Tensor:
        """Make one update.

        Args:
            group: Its batches, at least one.

        Returns:
            The mean loss before the update, without penalties, detached.
        """
        if self._closed:
            return self._step_with_closure(group)
        loss = self._gradients(group)
        if self.before_step is not None:
            self.before_step(loss)
        try:
            self._step()
        except RuntimeError as error:
            raise self._step_error(error) from error
        self._constrain()
        return loss

    def _constrain(self) -> None:
        if self._recipe.max_norm is not None:
            max_norm_(self._bounded, self._recipe.max_norm)

    def _step(self) -> None:
        if self.scaler is None:
            self._optimizer.step()
        else:
            self.scaler.step(self._optimizer)
            self.scaler.update()

    def _gradients(self, group: Sequence[Any]) -> Tensor:
        for parameter in self._held:
            parameter.grad = None
        loss = self._backward(group[0]) if len(group) == 1 else self._backward_mean(group)
        if not self._plain:
            self._finish()
        return loss

    def _backward(self, batch: Any, weight: float = 1.0) -> Tensor:
        loss = self._objective(batch)[0]
        if not loss.requires_grad:
            raise gradient_error(loss, self._recipe.loss or self._recipe.step, self._model)
        part = loss if weight == 1.0 else loss * weight
        scaled = part if self.scaler is None else self.scaler.scale(part)
        try:
            scaled.backward()
        except RuntimeError as error:
            if raised_by_us(error):
                raise
            raise backward_error(self._model, error) from error
        return part.detach()

    def _backward_mean(self, group: Sequence[Any]) -> Tensor:
        rows = [rows_of(batch) or 1 for batch in group]
        total = sum(rows)
        parts = [self._backward(b, n / total) for b, n in zip(group, rows, strict=True)]
        return torch.stack(parts).sum()

    def _finish(self) -> None:
        """Penalties and clipping."""
        recipe = self._recipe
        if self.scaler is not None:
            self.scaler.unscale_(self._optimizer)
        if self._penalties is not None:
            self._penalties.add_gradients()
        if recipe.clip_norm is not None:
            self.gradient_norm = nn.utils.clip_grad_norm_(self._clipped, recipe.clip_norm)
        if recipe.clip_adaptive is not None:
            agc_(self._clipped, recipe.clip_adaptive)
        if recipe.clip_value is not None:
            nn.utils.clip_grad_value_(self._clipped, recipe.clip_value)

    def _step_with_closure(self, group: Sequence[Any]) -> Tensor:
        first: list[Tensor] = []

        def closure() -> Tensor:
            with torch.enable_grad():
                loss = self._gradients(group)
            if not first and self.before_step is not None:
                self.before_step(loss)
            first.append(loss)
            return loss if self._penalties is None else loss + self._penalties.value()

        step: Callable[..., Any] = self._optimizer.step
        try:
            step(closure)
        except RuntimeError as error:
            raise self._step_error(error) from error
        if not first:
            raise TrainingError(
                f"{type(self._optimizer).__name__}.step(closure) never called its closure",
                hint="an optimizer without need of a closure gives it the default None",
            )
        self._constrain()
        return first[0]

    def _step_error(self, error: RuntimeError) -> TrainingError:
        return TrainingError(
            f"{type(self._optimizer).__name__}.step raised {type(error).__name__}: {error}",
            hint="the loss and the gradients were computed; the optimizer cannot use them",
        )


def _needs_closure(optimizer: Optimizer) -> bool:
    parameters = inspect.signature(type(optimizer).step).parameters
    closure = parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty


def _scaler(recipe: Recipe, device: torch.device) -> torch.amp.GradScaler | None:
    needed = recipe.autocast == "float16" and device.type == "cuda"
    return torch.amp.GradScaler(device.type) if needed else None


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _weights(model: nn.Module) -> list[Tensor]:
    """What a max-norm constraint bounds."""
    names = weight_names(model)
    return [parameter for name, parameter in model.named_parameters() if name in names]


def _unique(parameters: Sequence[Tensor]) -> list[Tensor]:
    return list({id(parameter): parameter for parameter in parameters}.values())
