"""What probes read: tensors of many layers, stacked so that a few operations serve all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


class OutputSample:
    """Outputs (or gradients at the outputs) of layers, or evenly spread elements of them.

    The leading dimensions are steps: several are read at once.

    Args:
        values: Shape (..., layers, elements).
        saturated_at: Shape (layers, 1): |x| from which the non-linearity that follows a layer is
            saturated, infinite where nothing saturates; None when no layer of the sample has one.
    """

    def __init__(self, values: Tensor, saturated_at: Tensor | None = None) -> None:
        self.values = values
        self.saturated_at = saturated_at

    @cached_property
    def mean(self) -> Tensor:
        """Mean of each layer, shape (..., layers, 1)."""
        # sum and multiply: `mean` itself takes twice as long on a CPU
        return self.values.sum(-1, keepdim=True).mul_(1.0 / self.values.shape[-1])


@dataclass(frozen=True)
class UnitMaxima:
    """The largest output of each unit over the last rows.

    The leading dimensions are steps: several are read at once.

    Attributes:
        values: Shape (..., layers, units).
        silent_at: Shape (layers, 1): output at and below which the non-linearity that follows is
            silent; minus infinity where it never is.
        rows: Samples that the maxima are over.
    """

    values: Tensor
    silent_at: Tensor
    rows: int


@dataclass(frozen=True)
class Norms:
    """Euclidean norms, one a layer, shape (..., layers), 64-bit.

    The leading dimensions are steps: these norms are put together when the trace is built, for
    all steps at once.

    Attributes:
        norm: For OUTPUT_GRADIENT_NORM of the gradient at the output (or of evenly spread elements
            of it), for PARAMETER_GRADIENT of the gradients of all of the layer's own parameters,
            for WEIGHT of its weights before the update, for UPDATE of the weights' change.
        elements: Number of elements that the norm is over.
        weight: For UPDATE the norm of the weights before it, else the same as `norm`.
    """

    norm: Tensor
    elements: Tensor
    weight: Tensor


@dataclass(frozen=True)
class Elements:
    """Output sample, gradients and weights of each layer, as they are.

    Attributes:
        tensors: For each layer its tensors.
    """

    tensors: tuple[tuple[Tensor, ...], ...]

    def device(self) -> torch.device:
        """Where the first tensor lives; the CPU when there is none."""
        return next((t.device for layer in self.tensors for t in layer), torch.device("cpu"))
