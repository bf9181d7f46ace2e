"""Probe: share of a layer's units that the following activation has silenced for long."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.trace import SILENT_SHARE
from torchclinic.functional.activation import silences
from torchclinic.probes.following import why_no_pre_activation
from torchclinic.probes.probe import Need, ProbedLayer
from torchclinic.probes.samples import UnitMaxima


class SilentShare:
    """Share of the units whose output was at or below the silent point on *every* recent sample.

    A unit is a feature of a linear layer or a channel of a convolution over all of its positions.
    The samples are those of the last read steps, at least 512 of them: half of the units silent on
    one batch is healthy sparsity, a unit silent on all of 512 samples is dead.

    Source: Lu et al. 2019, "Dying ReLU and Initialization", arXiv 1903.06733, for the notion.

    >>> import torch
    >>> maxima = UnitMaxima(torch.tensor([[-1.0, 0.0, 2.0, 3.0]]), torch.tensor([[0.0]]), rows=512)
    >>> SilentShare().read(maxima)
    tensor([0.5000])
    """

    name = SILENT_SHARE
    need = Need.UNIT_MAXIMA
    unit = "share, 0 to 1"
    cheap = False

    def why_not(self, layer: ProbedLayer) -> str:
        """Only the direct input of an activation that is exactly 0 somewhere can be silenced."""
        if silences(layer.activation) and not layer.normalised:
            return ""
        return why_no_pre_activation(layer, "silences units")

    def read(self, sample: UnitMaxima) -> Tensor:
        """Shape: (..., layers, units) -> (..., layers)."""
        silent = (sample.values <= sample.silent_at).to(sample.values.dtype)
        return silent.sum(-1).mul_(1.0 / sample.values.shape[-1])
