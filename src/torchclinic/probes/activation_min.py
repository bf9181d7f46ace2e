"""Probe: smallest element of a layer's output."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.trace import ACTIVATION_MIN
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import OutputSample


class ActivationMin:
    """The smallest element of a layer's output, among the elements that are read.

    >>> import torch
    >>> ActivationMin().read(OutputSample(torch.tensor([[1.0, 2.0, 6.0]])))
    tensor([1.])
    """

    name = ACTIVATION_MIN
    need = Need.OUTPUT
    unit = "as the output"
    cheap = False

    def why_not(self, layer: ProbedLayer) -> str:  # noqa: ARG002
        """Every output has a smallest element."""
        return ""

    def read(self, sample: OutputSample) -> Tensor:
        """Shape: (..., layers, elements) -> (..., layers)."""
        return sample.values.amin(-1)
