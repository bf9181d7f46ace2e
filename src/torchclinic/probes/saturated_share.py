"""Probe: share of a layer's output in the flat parts of the activation that follows."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.trace import SATURATED_SHARE
from torchclinic.functional.activation import is_saturating
from torchclinic.probes.following import why_no_pre_activation
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import OutputSample


class SaturatedShare:
    """Share of the elements with |x| >= t, t where the following activation hardly has a slope.

    The threshold t is `functional.saturation_threshold`: 5 for a sigmoid, 2.5 for tanh.

    Source: DeepDiagnosis, arXiv 2112.11174; Rakitianskaia and Engelbrecht 2015,
    doi 10.1109/SSCI.2015.202.

    >>> import torch
    >>> sample = OutputSample(torch.tensor([[-6.0, 0.0, 1.0, 5.0]]), torch.tensor([[5.0]]))
    >>> SaturatedShare().read(sample)
    tensor([0.5000])
    """

    name = SATURATED_SHARE
    need = Need.OUTPUT
    unit = "share, 0 to 1"
    cheap = False

    def why_not(self, layer: ProbedLayer) -> str:
        """Only the direct input of a saturating activation can saturate it."""
        if is_saturating(layer.activation) and not layer.normalised:
            return ""
        return why_no_pre_activation(layer, "saturates")

    def read(self, sample: OutputSample) -> Tensor:
        """Shape: (..., layers, elements) -> (..., layers)."""
        if sample.saturated_at is None:
            return sample.values.new_zeros(sample.values.shape[:-1])
        flat = sample.values.abs().ge_(sample.saturated_at)  # 0 and 1 as floats: sums are fast
        return flat.sum(-1).mul_(1.0 / sample.values.shape[-1])
