"""Probe: root mean square of the gradient of a layer's own parameters."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.trace import GRADIENT_RMS
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import Norms


class GradientRms:
    """Gradient norm over the square root of the number of elements: comparable between layers.

    >>> import torch
    >>> norm = torch.tensor([6.0])
    >>> GradientRms().read(Norms(norm, torch.tensor([9.0]), norm))
    tensor([2.])
    """

    name = GRADIENT_RMS
    need = Need.PARAMETER_GRADIENT
    unit = "loss per unit of parameter"
    cheap = True

    def why_not(self, layer: ProbedLayer) -> str:  # noqa: ARG002
        """Every layer with parameters can have it."""
        return ""

    def read(self, sample: Norms) -> Tensor:
        """Shape: (..., layers) -> (..., layers)."""
        return sample.norm / sample.elements.sqrt()
