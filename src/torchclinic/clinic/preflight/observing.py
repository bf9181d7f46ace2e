"""One forward pass and its loss, with everything that the facts are read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from torchclinic.clinic.preflight.loss_listener import HeardLoss, LossListener
from torchclinic.core.facts import LossKind
from torchclinic.core.recipe import Recipe
from torchclinic.graph import ForwardMap, ForwardRecorder, tensors_in
from torchclinic.graph.recorder import OnOutput
from torchclinic.training import compute_loss, loss_kind, loss_name, split_batch


@dataclass(frozen=True)
class Observation:
    """What one pass showed.

    Attributes:
        loss: The loss, with its graph.
        output: The tensor that enters the loss; None when it is not known.
        target: What it is compared with; None when it is not known.
        kind: Kind of the loss.
        name: Name of the loss.
        forward_map: How the layers hang together.
    """

    loss: Tensor
    output: Tensor | None
    target: Tensor | None
    kind: LossKind
    name: str
    forward_map: ForwardMap


def observe(
    recipe: Recipe, model: nn.Module, batch: Any, on_output: OnOutput | None = None
) -> Observation:
    """Run the model and its loss on `batch` and look.

    Args:
        recipe: Defines the loss or step.
        model: In whichever mode it shall be looked at.
        batch: As the data delivers it.
        on_output: Called with the name and output of each weighted layer.

    Raises:
        ModelError, LossError, DataError: As the training would.
    """
    recorder = ForwardRecorder(model, on_output)
    with LossListener() as listener, recorder:
        loss, outputs = compute_loss(recipe, model, batch)
    heard = _main(listener.heard)
    kind = loss_kind(recipe.loss)
    output, target = _compared(batch, outputs, heard)
    if kind == "custom" and heard is not None:
        kind = heard.kind
    name = loss_name(recipe.loss)
    if recipe.loss is None and heard is not None:
        name = f"{heard.name} in a custom step"
    return Observation(loss, output, target, kind, name, recorder.result(output))


def _main(heard: list[HeardLoss]) -> HeardLoss | None:
    """The first loss that is compared with targets; a module may call another one inside."""
    return next((call for call in heard if call.target is not None), None)


def _compared(
    batch: Any, outputs: Any, heard: HeardLoss | None
) -> tuple[Tensor | None, Tensor | None]:
    if heard is not None:
        return heard.output, heard.target
    if outputs is None:
        return None, None
    _, targets = split_batch(batch)
    return next(tensors_in(outputs), None), next(tensors_in(targets), None)
