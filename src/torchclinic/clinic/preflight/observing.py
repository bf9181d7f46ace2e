"""One forward pass and its loss, with everything that the facts are read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from torchclinic.clinic.preflight.loss.identifying import identify
from torchclinic.clinic.preflight.loss.loss_listener import HeardLoss, LossListener, NamedLoss
from torchclinic.clinic.preflight.tensors import shapes_broadcast
from torchclinic.core.errors import DataError, LossError, TorchclinicError
from torchclinic.core.facts import LossKind
from torchclinic.core.recipe import Recipe
from torchclinic.graph import ForwardMap, ForwardRecorder
from torchclinic.graph.recorder import OnOutput
from torchclinic.training import compute_loss, loss_kind, loss_name, split_batch
from torchclinic.training.batch import first_tensor
from torchclinic.training.objective import OUTPUT_KEYS


@dataclass(frozen=True)
class Observation:
    """What one pass showed.

    Attributes:
        loss: The loss, with its graph; None when the loss could not be computed.
        error: Why not.
        output: The tensor that enters the loss; None when it is not known.
        target: What it is compared with; None when it is not known.
        ignored: Class number that stands for "no target", None without one.
        kind: Kind of the loss.
        name: Name of the loss.
        forward_map: How the layers hang together.
        broadcasts: Whether the loss spreads output over target or the other way round.
        named: The call of a loss function of torch that is none of the known kinds.
    """

    loss: Tensor | None
    error: TorchclinicError | None
    output: Tensor | None
    target: Tensor | None
    ignored: int | None
    kind: LossKind
    name: str
    forward_map: ForwardMap
    broadcasts: bool = False
    named: NamedLoss | None = None


def observe(
    recipe: Recipe, model: nn.Module, batch: Any, on_output: OnOutput | None = None
) -> Observation:
    """Run the model and its loss on `batch` and look.

    Args:
        recipe: Defines the loss or step.
        model: In whichever mode it shall be looked at.
        batch: As the data delivers it.
        on_output: Called with the name and output of each weighted layer.

    Returns:
        What was seen; also where the forward pass went well and only the loss could not be had.

    Raises:
        ModelError: When the forward pass raises.
        LossError, DataError: When there was no forward pass at all.
    """
    recorder = ForwardRecorder(model, on_output)
    loss, outputs, failure = None, None, None
    with LossListener() as listener, recorder:
        try:
            loss, outputs = compute_loss(recipe, model, batch)
        except (LossError, DataError) as error:
            if not recorder.returned:
                raise
            failure, outputs = error, recorder.returned
    heard = main_loss(listener)
    output, target = _compared(batch, outputs, heard)
    kind, name = loss_kind(recipe.loss), loss_name(recipe.loss)
    broadcasts = heard is not None and shapes_broadcast(heard.output, heard.target)
    if kind == "custom" and heard is not None:
        kind = heard.kind
    elif kind == "custom" and loss is not None:
        kind, broadcasts = written_by_hand(recipe, output, target)
    if heard is None and listener.spread is not None and not broadcasts:
        (output, target), kind, broadcasts = listener.spread, "mse", True
    if recipe.loss is None and heard is not None:
        name = f"{heard.name} in a custom step"
    ignored = None if heard is None else heard.ignored
    return Observation(
        loss,
        failure,
        output,
        target,
        ignored,
        kind,
        name,
        recorder.result(output),
        broadcasts,
        listener.named,
    )


def written_by_hand(
    recipe: Recipe, output: Tensor | None, target: Tensor | None
) -> tuple[LossKind, bool]:
    """Which known loss the recipe's own one is by its values, and whether it broadcasts."""
    if recipe.loss is None or output is None or target is None:
        return "custom", False
    found = identify(recipe.loss, output, target)
    return ("custom", False) if found is None else (found.kind, found.broadcasts)


def main_loss(listener: LossListener) -> HeardLoss | None:
    """The first loss that is compared with targets; a module may call another one inside."""
    return next((call for call in listener.heard if call.target is not None), None)


def _compared(
    batch: Any, outputs: Any, heard: HeardLoss | None
) -> tuple[Tensor | None, Tensor | None]:
    if heard is not None:
        return heard.output, heard.target
    if outputs is None:
        return None, None
    _, targets = split_batch(batch)
    return first_tensor(outputs, OUTPUT_KEYS), first_tensor(targets)
