"""Spectral norm on the layer before, instead of a norm of its output."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from torchclinic.nn.surgery.norms.registry import NormKind, register


def divide_by_largest_singular_value(layer: nn.Module) -> None:
    """Put w = v / sigma_max(v) in the place of w."""
    spectral_norm(layer)


SPECTRAL = register(
    NormKind(
        name="spectral",
        formula="the weight divided by its largest singular value",
        source="Miyato et al. 2018, arXiv 1802.05957",
        parametrise=divide_by_largest_singular_value,
    )
)
