"""Weight norm on the layer before, instead of a norm of its output."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from torchclinic.nn.surgery.norms.registry import NormKind, register


def normalise_weight(layer: nn.Module) -> None:
    """Put w = g v / |v| in the place of each unit's w, with the same value to begin with."""
    transposed = isinstance(layer, nn.modules.conv._ConvTransposeNd)
    weight_norm(layer, dim=1 if transposed else 0)


WEIGHT = register(
    NormKind(
        name="weight",
        formula="direction and length of each unit's weights apart",
        source="Salimans and Kingma 2016, arXiv 1602.07868",
        parametrise=normalise_weight,
    )
)
