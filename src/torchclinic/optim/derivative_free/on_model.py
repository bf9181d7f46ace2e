"""A model as a flat vector, and its loss as a function of many such vectors at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.utils import parameters_to_vector

from torchclinic.core import ModelError, UsageError

CHUNK_ELEMENTS = 2**26  # parameters or inputs that are held at once: 256 MiB in float32


def flat_parameters(model: nn.Module) -> Tensor:
    """The trainable parameters as one vector, a copy.

    Raises:
        ModelError: For a model without a trainable parameter.

    >>> flat_parameters(nn.Linear(3, 2)).shape
    torch.Size([8])
    """
    return parameters_to_vector([p.detach() for p in _trainable(model).values()])


def load_flat(model: nn.Module, vector: Tensor) -> None:
    """Write a vector into the trainable parameters, in place.

    Raises:
        ModelError: For a model without a trainable parameter.
        UsageError: For a vector of another length.
    """
    parameters = list(_trainable(model).values())
    _check_length(vector, sum(p.numel() for p in parameters))
    with torch.no_grad():
        for parameter, part in zip(
            parameters, vector.split([p.numel() for p in parameters]), strict=True
        ):
            parameter.copy_(part.view_as(parameter))


def population_loss(
    model: nn.Module,
    loss: Callable[[Any, Any], Tensor],
    x: Any,
    y: Any,
    *,
    chunk_size: int | None = None,
) -> Callable[[Tensor], Tensor]:
    """The loss as a function of many parameter vectors, computed in one batched forward pass.

    The model itself is not changed, buffers included, and its mode is heeded: in training mode a
    batch norm works on each candidate's own batch statistics. A dropout draws one mask for all.

    Args:
        model: Gives the structure, the frozen parameters and the buffers.
        loss: `loss(output, y)`, a scalar.
        x: Inputs of all rows, given to the model as they are.
        y: Targets.
        chunk_size: Vectors that are computed at once; None for as many as 256 MiB hold.

    Returns:
        (n, d) -> (n,), to be given to `minimise`, without a graph for gradients.

    Raises:
        ModelError: For a model without a trainable parameter; when called, for one that cannot be
            run in a batch of models.

    >>> net = nn.Linear(2, 1)
    >>> f = population_loss(net, nn.MSELoss(), torch.ones(4, 2), torch.zeros(4, 1))
    >>> f(torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 3.0]]))
    tensor([4., 9.])
    """
    trainable = _trainable(model)
    shapes = {name: p.shape for name, p in trainable.items()}
    sizes = [p.numel() for p in trainable.values()]
    seen = x.numel() if isinstance(x, Tensor) else 0  # what layers put out is about as large
    limit = chunk_size or max(1, CHUNK_ELEMENTS // max(sum(sizes), seen))
    buffers = dict(model.named_buffers())

    def one(vector: Tensor, own_buffers: dict[str, Tensor]) -> Tensor:
        parts = zip(shapes.items(), vector.split(sizes), strict=True)
        weights = {name: part.view(shape) for (name, shape), part in parts}
        return loss(functional_call(model, weights | own_buffers, (x,)), y)

    batched = vmap(one, randomness="same", chunk_size=limit)

    def many(vectors: Tensor) -> Tensor:
        _check_length(vectors, sum(sizes))
        try:
            with torch.no_grad():
                copies = {name: torch.stack([b] * len(vectors)) for name, b in buffers.items()}
                return batched(vectors, copies)
        except RuntimeError as error:
            raise ModelError(
                f"the model cannot be run as a batch of models: {error}",
                hint="evaluate one vector at a time: load_flat, and minimise(..., batched=False)",
            ) from error

    return many


def _trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    found = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not found:
        raise ModelError(
            f"{type(model).__name__} has no trainable parameter",
            hint="requires_grad_(True) on what is to be searched for",
        )
    return found


def _check_length(vectors: Tensor, expected: int) -> None:
    if vectors.shape[-1] != expected:
        raise UsageError(
            f"a vector has {vectors.shape[-1]} numbers, the model {expected} trainable parameters"
        )
