"""Probe: standard deviation of a layer's output."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.core.trace import ACTIVATION_STD
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import OutputSample


class ActivationStd:
    """Standard deviation of a layer's output: sqrt(sum((x - m)^2) / n), in two passes.

    A single pass, mean square minus squared mean, would lose a small deviation beside a large mean.

    Source: Glorot and Bengio 2010, figures 2 and 3, for its meaning by depth.

    >>> ActivationStd().read(OutputSample(torch.tensor([[1.0, 3.0, 5.0, 7.0]])))
    tensor([2.2361])
    """

    name = ACTIVATION_STD
    need = Need.OUTPUT
    unit = "as the output"
    cheap = True

    def why_not(self, layer: ProbedLayer) -> str:  # noqa: ARG002
        """Every output has a deviation."""
        return ""

    def read(self, sample: OutputSample) -> Tensor:
        """Shape: (..., layers, elements) -> (..., layers)."""
        spread = torch.linalg.vector_norm(sample.values - sample.mean, dim=-1)
        return spread.mul_(sample.values.shape[-1] ** -0.5)
