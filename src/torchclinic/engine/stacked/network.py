"""What computes losses and gradients of all members of a stack."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Network(Protocol):
    """Losses and gradients of all members.

    Attributes:
        moves_itself: Whether it can make a step of plain gradient descent by itself.
    """

    moves_itself: bool

    def step(self, x: Tensor, y: Tensor, rate: Tensor | None = None) -> Tensor:
        """Store each member's gradient, and return the losses, of shape (members,).

        Args:
            x: Inputs, of shape (members, rows, ...).
            y: Targets, (members, rows, ...).
            rate: Where it moves itself: each member's negative learning rate, of shape
                (members, 1, 1), to make a step of plain gradient descent at once.
        """
        ...
