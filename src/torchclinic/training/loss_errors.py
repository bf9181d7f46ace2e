"""What a loss must be, and the errors when it is not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core import LossError, ModelError
from torchclinic.training.batch import describe
from torchclinic.training.forward import forward_error, where_raised
from torchclinic.training.loss_kind import loss_kind, loss_name, loss_option


def check_loss(loss: Any, source: Any) -> Tensor:
    """The loss, as a tensor without dimensions.

    Raises:
        LossError: If it is no tensor, has several elements or is complex.
    """
    if type(loss) is Tensor and loss.dim() == 0 and loss.is_floating_point():
        return loss
    name = loss_name(source)
    if not isinstance(loss, Tensor):
        raise LossError(
            f"the loss {name} returned {loss!r:.60} of type {type(loss).__name__}, not a tensor",
            hint="return the tensor itself, without .item() or numpy",
        )
    if loss.numel() != 1:
        reduction = loss_option(source, "reduction")
        given = f" with reduction={reduction!r}" if reduction else ""
        raise LossError(
            f"the loss {name}{given} returned a tensor of shape {tuple(loss.shape)}, not a scalar",
            hint="use reduction='mean', or take its .mean()",
        )
    if not loss.is_floating_point():
        raise LossError(
            f"the loss {name} returned a tensor of type {loss.dtype}, which has no gradient",
            hint="compute it in floating point",
        )
    return loss.reshape(())


def gradient_error(loss: Tensor, source: Any, model: nn.Module) -> LossError:
    """The error for a loss that no gradient flows from."""
    name = loss_name(source)
    trainable = sum(p.requires_grad for p in model.parameters())
    return LossError(
        f"the loss {name} ({float(loss.detach()):.4g}) does not depend on any of the model's "
        f"{trainable} trainable parameters, so there is no gradient",
        hint="look for .detach(), .data, .item(), argmax, numpy or torch.no_grad() on the way",
    )


def backward_error(model: nn.Module, error: Exception) -> ModelError:
    """The error for a backward pass that raised."""
    return ModelError(
        f"the backward pass of {type(model).__name__} raised {type(error).__name__}: "
        f"{_first_line(error)}",
        hint="an in-place operation on a value that the gradient needs is the usual cause: "
        "torch.autograd.set_detect_anomaly(True) shows which",
    )


def loss_error(loss: Any, outputs: Any, targets: Any, error: Exception) -> LossError:
    """The error for a loss function that raised."""
    return LossError(
        f"the loss {loss_name(loss)} raised on outputs {describe(outputs)} and targets "
        f"{describe(targets)}: {type(error).__name__}: {_first_line(error)}",
        hint=_hint(loss, outputs, targets),
    )


def step_error(model: nn.Module, batch: Any, error: Exception) -> LossError | ModelError:
    """The error for a custom step that raised: the model's when it happened in there."""
    if where_raised(model, error.__traceback__) is not None:
        return forward_error(model, batch, error)
    return LossError(
        f"step raised on a batch {describe(batch)}: {type(error).__name__}: {_first_line(error)}",
        hint="call step(model, batch) on one batch to see it happen",
    )


def _hint(loss: Any, outputs: Any, targets: Any) -> str:
    if not isinstance(outputs, Tensor):
        return "the model returns no single tensor: take one in a loss of your own, or use step"
    if not isinstance(targets, Tensor):
        return "the targets are no tensor: take what you need in a loss of your own, or use step"
    kind = loss_kind(loss)
    if kind in ("cross-entropy", "nll"):
        return _class_hint(outputs, targets)
    if kind in ("bce", "bce-with-logits"):
        return _binary_hint(kind, outputs, targets)
    if outputs.shape != targets.shape:
        return "outputs and targets need one shape: unsqueeze or squeeze one of them"
    return "call the loss on one batch to see it happen"


def _class_hint(outputs: Tensor, targets: Tensor) -> str:
    if targets.is_floating_point() and targets.shape != outputs.shape:
        return "class numbers must be integers: targets.long()"
    if targets.dtype not in (torch.int64, torch.uint8) and not targets.is_floating_point():
        return f"class numbers must be int64, not {targets.dtype}: targets.long()"
    if targets.dim() == 2 and targets.shape[1] == 1:
        return "class numbers need the shape (rows,): targets.squeeze(1)"
    return "outputs (rows, classes) and targets (rows,) are expected"


def _binary_hint(kind: str, outputs: Tensor, targets: Tensor) -> str:
    if outputs.shape != targets.shape:
        return "outputs and targets need one shape: outputs.squeeze(1) or targets.unsqueeze(1)"
    if not targets.is_floating_point():
        return "targets must be floating point: targets.float()"
    if kind == "bce":
        return "BCELoss takes probabilities: BCEWithLogitsLoss takes any output"
    return "call the loss on one batch to see it happen"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0]
