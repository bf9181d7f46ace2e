"""What a layer of a stacked perceptron does."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Layer(ABC):
    """Forward and backward for all members: tensors of shape (members, rows, features).

    What `forward` needs again in `backward` it keeps. Memory is taken once for each number of
    rows.
    """

    def __init__(self) -> None:
        self._memory: dict[tuple[str, int, int], Tensor] = {}

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs."""

    @abstractmethod
    def backward(self, d: Tensor, rate: Tensor | None, *, wanted: bool) -> Tensor | None:
        """Parameter gradients, and the gradient with respect to the inputs.

        Args:
            d: Gradient with respect to the outputs.
            rate: None to store parameter gradients; else each member's negative learning rate,
                of shape (members, 1, 1), with which parameters are moved at once.
            wanted: Whether the inputs' gradient is; of several inputs it is that of each.
        """

    def space(self, name: str, like: Tensor, features: int) -> Tensor:
        """Memory for (members, rows, features), the same at each call."""
        key = (name, like.shape[1], features)
        if key not in self._memory:
            self._memory[key] = torch.empty(
                (*like.shape[:2], features), dtype=like.dtype, device=like.device
            )
        return self._memory[key]
