"""Probe: elements of output, gradient and weight that are NaN or infinite."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.core.trace import NONFINITE
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import Elements


class NonFinite:
    """Number of NaN and infinite elements among the output's sample, the gradients, the weights.

    On a CPU it is counted only when a sum over the other readings is not finite: as long as that
    sum is finite so are all elements, and the count is 0.

    >>> NonFinite().read(Elements(((torch.tensor([1.0, float("nan")]), torch.tensor([1.0])),)))
    tensor([1.])
    """

    name = NONFINITE
    need = Need.ELEMENTS
    unit = "elements"
    cheap = True

    def why_not(self, layer: ProbedLayer) -> str:  # noqa: ARG002
        """Elements can always be counted."""
        return ""

    def read(self, sample: Elements) -> Tensor:
        """Shape: a few tensors a layer -> (layers,)."""
        zero = torch.zeros((), device=sample.device())
        counts = [
            sum((t.numel() - torch.isfinite(t).sum().to(zero) for t in layer), start=zero)
            for layer in sample.tensors
        ]
        return torch.stack(counts)
