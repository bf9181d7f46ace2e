"""Probe: largest element of a layer's output."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.trace import ACTIVATION_MAX
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import OutputSample


class ActivationMax:
    """The largest element of a layer's output, among the elements that are read.

    >>> import torch
    >>> ActivationMax().read(OutputSample(torch.tensor([[1.0, 2.0, 6.0]])))
    tensor([6.])
    """

    name = ACTIVATION_MAX
    need = Need.OUTPUT
    unit = "as the output"
    cheap = False

    def why_not(self, layer: ProbedLayer) -> str:  # noqa: ARG002
        """Every output has a largest element."""
        return ""

    def read(self, sample: OutputSample) -> Tensor:
        """Shape: (..., layers, elements) -> (..., layers)."""
        return sample.values.amax(-1)
