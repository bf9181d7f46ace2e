"""The members' losses as one function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from torchclinic.training import is_torch_loss, loss_kind, loss_option
from torchclinic.training.batch import first_tensor
from torchclinic.training.objective import OUTPUT_KEYS

MappedLoss = Callable[[Any, Tensor, Tensor], Tensor]


def mapped_loss(losses: Sequence[Any], like: Tensor) -> tuple[MappedLoss, Tensor]:
    """A function of outputs, targets and label smoothing, and the members' label smoothings.

    Args:
        losses: The members', which agree in all but label smoothing.
        like: A tensor of the outputs' type.
    """
    loss = losses[0]
    smoothing = [float(loss_option(one, "label_smoothing", 0.0)) for one in losses]
    column = torch.tensor(smoothing, dtype=torch.float64).to(like.device, like.dtype)
    if len(set(smoothing)) > 1 and loss_kind(loss) == "cross-entropy":
        return partial(_smoothed, losses), column
    one_tensor = is_torch_loss(loss)

    def plain(outputs: Any, targets: Tensor, _smoothing: Tensor) -> Tensor:
        if one_tensor and not isinstance(outputs, Tensor):
            found = first_tensor(outputs, OUTPUT_KEYS)
            outputs = outputs if found is None else found
        return loss(outputs, targets).reshape(())

    return plain, column


def _smoothed(losses: Sequence[Any], outputs: Tensor, targets: Tensor, smoothing: Tensor) -> Tensor:
    r"""$(1 - s)$ times the cross-entropy with the classes, plus $s$ times that with all alike."""
    options = {
        name: loss_option(losses[0], name)
        for name in ("weight", "ignore_index", "reduction")
        if loss_option(losses[0], name) is not None
    }

    def smoothed_by(amount: float) -> Tensor:
        return F.cross_entropy(outputs, targets, label_smoothing=amount, **options)

    # it is linear in the smoothing
    return torch.lerp(smoothed_by(0.0), smoothed_by(1.0), smoothing)
