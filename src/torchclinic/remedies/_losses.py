"""Torch's losses made to fit targets of another shape or type, and one in standard deviations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core import LossError
from torchclinic.remedies._rows import first_tensor


def in_shape_of(output: Tensor, target: Tensor) -> Tensor:
    """The output in the target's shape.

    Raises:
        LossError: If they differ in their number of elements.
    """
    if output.numel() != target.numel():
        raise LossError(
            f"outputs of shape {tuple(output.shape)} cannot be compared with targets of shape "
            f"{tuple(target.shape)} one by one"
        )
    return output.reshape(target.shape)


class ShapedMSELoss(nn.MSELoss):
    """Squared error of outputs brought into the targets' shape: no silent broadcast.

    >>> ShapedMSELoss()(torch.ones(4, 1), torch.zeros(4)).item()
    1.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """The loss."""
        return super().forward(in_shape_of(input, target), target)


class ShapedL1Loss(nn.L1Loss):
    """Absolute error of outputs brought into the targets' shape."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002
        """The loss."""
        return super().forward(in_shape_of(input, target), target)


class ShapedHuberLoss(nn.SmoothL1Loss):
    """Huber loss of outputs brought into the targets' shape."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002
        """The loss."""
        return super().forward(in_shape_of(input, target), target)


class ShapedBCEWithLogitsLoss(nn.BCEWithLogitsLoss):
    """Binary cross-entropy of scores in the targets' shape; targets of 0 and 1 of any type.

    >>> loss = ShapedBCEWithLogitsLoss()(torch.zeros(4, 1), torch.tensor([0, 1, 0, 1]))
    >>> round(loss.item(), 4)
    0.6931
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002
        """The loss."""
        return super().forward(in_shape_of(input, target), target.to(input.dtype))


class NumberedCrossEntropyLoss(nn.CrossEntropyLoss):
    """Cross-entropy with class numbers of any type and shape (N,) or (N, 1).

    >>> loss = NumberedCrossEntropyLoss()(torch.zeros(2, 4), torch.tensor([[0.0], [3.0]]))
    >>> round(loss.item(), 4)
    1.3863
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002
        """The loss."""
        numbers = target.long()
        if numbers.dim() == input.dim() and numbers.shape[1] == 1:
            numbers = numbers.squeeze(1)
        return super().forward(input, numbers)


class OneHotCrossEntropyLoss(nn.CrossEntropyLoss):
    """Cross-entropy with one-hot rows or class probabilities of any type."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002
        """The loss."""
        return super().forward(input, target.to(input.dtype))


@dataclass(frozen=True)
class StandardisedLoss:
    """A loss in standard deviations of the targets, of outputs and targets in their own unit.

    loss((output - mean) / std, (target - mean) / std)

    Attributes:
        loss: The user's loss.
        mean: Mean of the training targets, a number or one a column.
        std: Their standard deviation.
    """

    loss: Callable[[Any, Any], Tensor]
    mean: Any
    std: Any

    def __call__(self, output: Any, target: Tensor) -> Tensor:
        """The loss of the prediction, the first tensor of the output."""
        prediction = first_tensor(output)
        if prediction is None:
            raise LossError(f"there is no prediction in an output of type {type(output).__name__}")
        return self.loss(self._scaled(prediction), self._scaled(target))

    def _scaled(self, value: Tensor) -> Tensor:
        mean = torch.as_tensor(self.mean, dtype=torch.float32, device=value.device)
        std = torch.as_tensor(self.std, dtype=torch.float32, device=value.device)
        return (value - mean) / std
