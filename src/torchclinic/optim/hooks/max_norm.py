"""A longest length for the weights of each unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from torchclinic.core import UsageError
from torchclinic.graph.layer_kinds import EMBEDDINGS, MAPS, TRANSPOSED, layer_kind
from torchclinic.optim.groups.globs import matching


@dataclass(frozen=True)
class MaxNorm:
    r"""After each update, rows of weights that are too long are shortened.

    $w_u \leftarrow w_u \min(1, c / \lVert w_u \rVert)$ for each unit u.

    A row is what one unit of a linear, convolutional or embedding layer sums with; norms and biases
    are left.

    Args:
        limit: c, the largest length.
        parameters: Globs over parameter names.

    Raises:
        UsageError: For a limit that is not above 0; when attached, for a glob that names no weight
            of such a layer.

    Source: Srebro et al. 2005; Srivastava et al. 2014, section 5.1, JMLR 15:1929 (3 to 4 there).

    >>> model = nn.Linear(2, 1, bias=False)
    >>> _ = nn.init.constant_(model.weight, 3.0)
    >>> MaxNorm(limit=1.0).shorten(model)
    >>> round(model.weight.norm().item(), 4)
    1.0
    """

    limit: float = 3.0
    parameters: tuple[str, ...] = ("*",)

    def __post_init__(self) -> None:
        if not 0 < self.limit < float("inf"):
            raise UsageError(f"limit is {self.limit}", hint="a length above 0")

    def attach(self, optimizer: Optimizer, model: nn.Module | None = None) -> RemovableHandle:
        """Shorten after each step of this optimizer, until the handle is removed."""
        if model is None:
            raise UsageError("max-norm needs the model", hint="attach(optimizer, model)")
        weights = self._weights(model)

        def after(optimizer: Optimizer, args: Any, kwargs: Any) -> None:  # noqa: ARG001
            self._shorten(weights)

        return optimizer.register_step_post_hook(after)

    def shorten(self, model: nn.Module) -> None:
        """Shorten once, in place."""
        self._shorten(self._weights(model))

    def _shorten(self, weights: list[tuple[nn.Parameter, int]]) -> None:
        with torch.no_grad():
            for weight, axis in weights:
                if weight.requires_grad:
                    torch.renorm(weight, 2, axis, self.limit, out=weight)

    def _weights(self, model: nn.Module) -> list[tuple[nn.Parameter, int]]:
        """Weights with the dimension in which their units lie, each once."""
        named = {id(p) for p in matching(model, self.parameters).values()}
        found: dict[int, tuple[nn.Parameter, int]] = {}
        for module in model.modules():
            kind, weight = layer_kind(module), module._parameters.get("weight")
            if weight is not None and kind in (*MAPS, *EMBEDDINGS) and id(weight) in named:
                found.setdefault(id(weight), (weight, 1 if kind in TRANSPOSED else 0))
        if not found:
            raise UsageError(
                f"none of {list(self.parameters)} names the weight of a linear, convolutional or "
                f"embedding layer of {type(model).__name__}"
            )
        return list(found.values())
