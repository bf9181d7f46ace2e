"""StandIn: the recipe's loss, asked with other outputs than the model's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.clinic.preflight.loss.loss_listener import HeardLoss, LossListener
from torchclinic.clinic.preflight.observing import main_loss
from torchclinic.core.recipe import Recipe
from torchclinic.data.structure import map_tensors
from torchclinic.graph import undisturbed
from torchclinic.training import compute_loss, seeded
from torchclinic.training.batch import first_tensor
from torchclinic.training.objective import OUTPUT_KEYS

Replacement = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Answer:
    """One computation of the loss.

    Attributes:
        loss: Its value.
        outputs: The first tensor that each call of the model gave (or was given, where replaced).
        heard: The call of a known loss function of torch, None without one.
    """

    loss: float
    outputs: tuple[Tensor, ...]
    heard: HeardLoss | None


class StandIn:
    """Computes the loss of a batch, in evaluation mode, with outputs of anybody's choice.

    Args:
        recipe: Defines loss or step.
        batch: On the recipe's device.
    """

    def __init__(self, recipe: Recipe, batch: Any) -> None:
        self.recipe = recipe
        self._batch = batch

    def ask(self, model: nn.Module, replace: Replacement | None = None) -> Answer | None:
        """The loss of the model's own outputs, or of what `replace` makes of them.

        Args:
            model: Uncompiled; it is left as it was, and so are all random states.
            replace: Gets the first tensor of the model's outputs, returns one of the same shape.

        Returns:
            None where the loss cannot be computed on such outputs, or the model is not called.
        """
        outputs: list[Tensor] = []

        def swap(_: nn.Module, __: Any, result: Any) -> Any:
            first = first_tensor(result, OUTPUT_KEYS)
            if first is None:
                return result
            made = first if replace is None else replace(first).to(first)
            outputs.append(made.detach())
            return result if made is first else map_tensors(_instead(first, made), result)

        handle = model.register_forward_hook(swap)
        try:
            with undisturbed(model), torch.no_grad(), seeded(0), LossListener() as listener:
                loss, _ = compute_loss(self.recipe, model.eval(), self._batch)
        except Exception:  # noqa: BLE001 - a user's step may refuse what is no output of its model
            return None
        finally:
            handle.remove()
        value = float(loss.detach())
        return Answer(value, tuple(outputs), main_loss(listener)) if outputs else None


def _instead(first: Tensor, made: Tensor) -> Replacement:
    return lambda tensor: made if tensor is first else tensor
