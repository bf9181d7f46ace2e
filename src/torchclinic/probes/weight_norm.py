"""Probe: norm of a layer's weights."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.trace import WEIGHT_NORM
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import Norms


class WeightNorm:
    """Euclidean norm of a layer's weights before the update, biases left out.

    >>> import torch
    >>> norm = torch.tensor([2.0])
    >>> WeightNorm().read(Norms(norm, torch.tensor([4.0]), norm))
    tensor([2.])
    """

    name = WEIGHT_NORM
    need = Need.WEIGHT
    unit = "as the weight"
    cheap = True

    def why_not(self, layer: ProbedLayer) -> str:  # noqa: ARG002
        """Every layer with a trainable weight has it."""
        return ""

    def read(self, sample: Norms) -> Tensor:
        """Shape: (..., layers) -> (..., layers)."""
        return sample.norm
