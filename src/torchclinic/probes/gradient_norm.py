"""Probe: norm of the gradient of a layer's own parameters."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.trace import GRADIENT_NORM
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import Norms


class GradientNorm:
    """Euclidean norm of the gradient of all parameters of a layer, as the optimizer receives it.

    That is after accumulation, after a GradScaler's unscaling, and after clipping.

    >>> import torch
    >>> norm = torch.tensor([5.0])
    >>> GradientNorm().read(Norms(norm, torch.tensor([25.0]), norm))
    tensor([5.])
    """

    name = GRADIENT_NORM
    need = Need.PARAMETER_GRADIENT
    unit = "loss per unit of parameter"
    cheap = True

    def why_not(self, layer: ProbedLayer) -> str:  # noqa: ARG002
        """Every layer with parameters can have it."""
        return ""

    def read(self, sample: Norms) -> Tensor:
        """Shape: (..., layers) -> (..., layers)."""
        return sample.norm
