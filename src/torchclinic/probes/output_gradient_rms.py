"""Probe: root mean square of the loss's gradient at a layer's output."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.trace import OUTPUT_GRADIENT_RMS
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import Norms


class OutputGradientRms:
    """Root mean square of the gradient at a layer's output: sqrt(sum(g^2) / n).

    Its profile over the depth tells a vanishing from an exploding gradient; the parameters' own
    gradients also depend on the layer's input.

    Source: Glorot and Bengio 2010, figure 7 (back-propagated gradients by layer).

    >>> import torch
    >>> norm = torch.tensor([5.0])
    >>> OutputGradientRms().read(Norms(norm, torch.tensor([4.0]), norm))
    tensor([2.5000])
    """

    name = OUTPUT_GRADIENT_RMS
    need = Need.OUTPUT_GRADIENT_NORM
    unit = "loss per unit of output"
    cheap = True

    def why_not(self, layer: ProbedLayer) -> str:  # noqa: ARG002
        """Every output that the loss depends on has a gradient."""
        return ""

    def read(self, sample: Norms) -> Tensor:
        """Shape: (..., layers) -> (..., layers)."""
        return sample.norm / sample.elements.sqrt()
