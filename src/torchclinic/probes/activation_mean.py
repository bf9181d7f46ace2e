"""Probe: mean of a layer's output."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.trace import ACTIVATION_MEAN
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import OutputSample


class ActivationMean:
    """Mean of a layer's output: m = sum(x) / n.

    Source: the statistic that Glorot and Bengio 2010 follow by layer and by step.

    >>> import torch
    >>> ActivationMean().read(OutputSample(torch.tensor([[1.0, 2.0, 6.0]])))
    tensor([3.])
    """

    name = ACTIVATION_MEAN
    need = Need.OUTPUT
    unit = "as the output"
    cheap = True

    def why_not(self, layer: ProbedLayer) -> str:  # noqa: ARG002
        """Every output has a mean."""
        return ""

    def read(self, sample: OutputSample) -> Tensor:
        """Shape: (..., layers, elements) -> (..., layers)."""
        return sample.mean.squeeze(-1)
