"""Probe: size of an optimizer step relative to the weights."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.trace import UPDATE_RATIO
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import Norms


class UpdateRatio:
    """Update-to-weight ratio: norm(w_after - w_before) / norm(w_before), biases left out.

    Weights that are all zero have no ratio; that step is left out.

    Source: CS231n, "Neural Networks Part 3" (about 1e-3 is healthy); TheDeepChecker,
    arXiv 2204.00694 (1e-4 to 1e-1).

    >>> import torch
    >>> update, weight = torch.tensor([0.002]), torch.tensor([2.0])
    >>> UpdateRatio().read(Norms(update, torch.tensor([4.0]), weight))
    tensor([0.0010])
    """

    name = UPDATE_RATIO
    need = Need.UPDATE
    unit = "ratio"
    cheap = False

    def why_not(self, layer: ProbedLayer) -> str:  # noqa: ARG002
        """Every layer with a trainable weight has it."""
        return ""

    def read(self, sample: Norms) -> Tensor:
        """Shape: (..., layers) -> (..., layers)."""
        return sample.norm / sample.weight
