"""Penalty: what is added to the loss for the size of the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torchclinic.core.errors import RecipeError

PENALTIES = ("l1", "l2", "orthogonal")


@dataclass(frozen=True)
class Penalty:
    r"""A penalty on the weights, added to the loss.

    "l1" is $\lambda \lVert w \rVert_1$, "l2" is $\lambda \lVert w \rVert_2^2$, and "orthogonal" is
    $\lambda \lVert W W^T - I \rVert_F^2$ of each weight as a matrix with one row a unit (of
    $W^T W$ where it has more rows than columns).

    Attributes:
        kind: "l1", "l2" or "orthogonal".
        weight: The coefficient lambda, at least 0.
        parameters: Glob over parameter names.
        skip_norms_and_biases: Leave out biases, parameters of normalisation layers and all others
            with fewer than two dimensions. An orthogonal penalty never takes the latter.

    Raises:
        RecipeError: For another kind, or a weight below 0.
    """

    kind: Literal["l1", "l2", "orthogonal"]
    weight: float
    parameters: str = "*"
    skip_norms_and_biases: bool = True

    def __post_init__(self) -> None:
        if self.kind not in PENALTIES or not self.weight >= 0:
            raise RecipeError(
                f"{self!r} is no penalty",
                hint=f"kind {', '.join(map(repr, PENALTIES))}, weight >= 0",
            )
