"""Accuracy: the share of right predictions."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torchclinic.core import DataError, Recipe
from torchclinic.core.facts import LossKind
from torchclinic.training.batch import describe, first_tensor
from torchclinic.training.labels import NO_INDEX
from torchclinic.training.loss_kind import loss_kind, loss_option
from torchclinic.training.objective import OUTPUT_KEYS

# What a single output per row must exceed to mean "yes", by the kind of loss that trained it.
THRESHOLDS: dict[LossKind, float] = {
    "bce-with-logits": 0.0,
    "hinge": 0.0,
    "bce": 0.5,
    "mse": 0.5,
    "l1": 0.5,
    "huber": 0.5,
}


class Accuracy:
    r"""Share of predictions that are right: $\frac1N \sum_i [\hat y_i = y_i]$.

    With class numbers for targets the prediction is the largest of the outputs in dimension 1;
    so it is for the targets, where they are class probabilities of the outputs' shape. A single
    output a row (and every output of a binary cross-entropy) is a yes or no: above 0 for scores,
    above 0.5 for probabilities, as the loss tells; when a loss of one's own does not tell, scores
    are recognised by an output outside [0, 1]. Targets of -1 and 1 count as no and yes. Targets
    equal to the loss's `ignore_index` are left out.

    **Shape**: outputs (N, C, ...) with targets (N, ...) or (N, C, ...); or both (N,) or (N, 1).

    **Range**: 0 to 1.

    Args:
        recipe: Whose loss tells how outputs are read.

    >>> import torch
    >>> from torch import nn
    >>> recipe = Recipe(model=list, data=[], loss=nn.CrossEntropyLoss(), optimizer=list, steps=1)
    >>> accuracy = Accuracy(recipe)
    >>> accuracy.update(torch.eye(4), torch.tensor([0, 1, 2, 0]))
    >>> accuracy.value()
    0.75
    """

    def __init__(self, recipe: Recipe) -> None:
        self._kind: LossKind = loss_kind(recipe.loss)
        self._ignored = loss_option(recipe.loss, "ignore_index", NO_INDEX)
        self._right: Tensor | int = 0
        self._right_as_scores: Tensor | int = 0
        self._outside: Tensor | bool = False  # an output that is no probability
        self._signed: Tensor | bool = False  # a target of -1
        self._count: Tensor | int = 0

    def update(self, outputs: Any, targets: Any) -> None:
        """Take in a batch.

        Raises:
            DataError: If outputs and targets cannot be compared.
        """
        found = first_tensor(outputs, OUTPUT_KEYS)
        if found is None or not isinstance(targets, Tensor):
            raise _incomparable(outputs, targets)
        plain = found.detach()
        if self._kind not in ("bce", "bce-with-logits") and _has_classes(plain, targets):
            self._classes(plain, targets)
        else:
            self._binary(plain, targets)

    def value(self) -> float:
        """The share."""
        count = int(self._count)
        if count == 0:
            return float("nan")
        scores = self._signed or (self._kind not in THRESHOLDS and self._outside)
        return int(self._right_as_scores if scores else self._right) / count

    def _classes(self, outputs: Tensor, targets: Tensor) -> None:
        predicted = outputs.argmax(1)
        if targets.shape == outputs.shape:
            targets = targets.argmax(1)
        elif targets.shape == outputs.shape[:-1] and targets.shape != predicted.shape:
            predicted = outputs.argmax(-1)  # a loss of one's own may count classes there
        elif targets.numel() != predicted.numel():
            raise _incomparable(outputs, targets)
        targets = targets.reshape(predicted.shape)
        counted = targets != self._ignored
        right = ((predicted == targets) & counted).sum()
        self._right = self._right + right
        self._right_as_scores = self._right_as_scores + right
        self._count = self._count + counted.sum()

    def _binary(self, outputs: Tensor, targets: Tensor) -> None:
        if outputs.numel() != targets.numel():
            raise _incomparable(outputs, targets)
        truth = targets.reshape(outputs.shape) > 0.5
        threshold = THRESHOLDS.get(self._kind, 0.5)
        self._right = self._right + ((outputs > threshold) == truth).sum()
        self._right_as_scores = self._right_as_scores + ((outputs > 0) == truth).sum()
        self._outside = self._outside | ((outputs < 0) | (outputs > 1)).any()
        self._signed = self._signed | (targets < 0).any()
        self._count = self._count + truth.numel()


def _has_classes(outputs: Tensor, targets: Tensor) -> bool:
    """Whether dimension 1 of the outputs counts classes."""
    if outputs.dim() < 2 or outputs.shape[1] < 2:
        return False
    return targets.shape == outputs.shape or targets.dim() < outputs.dim() or targets.shape[1] == 1


def _incomparable(outputs: Any, targets: Any) -> DataError:
    return DataError(
        f"accuracy cannot compare outputs {describe(outputs)} with targets {describe(targets)}",
        hint="outputs (rows, classes) and targets (rows,); or give a metric of your own",
    )
