"""Layer norm in the place of another norm."""

from __future__ import annotations

from torch import nn

from torchclinic.nn.surgery.norm_site import NormSite
from torchclinic.nn.surgery.norms.registry import NormKind, NormOptions, register


def build_layer(site: NormSite, options: NormOptions) -> nn.Module:  # noqa: ARG001
    """`nn.LayerNorm` over features; over channels and positions a group norm with one group.

    The latter is the same function with a scale by channel, and does not need to know the number of
    positions.
    """
    if site.last or site.ranks == (2,):
        return nn.LayerNorm(site.channels, elementwise_affine=site.affine)
    return nn.GroupNorm(1, site.channels, affine=site.affine)


LAYER = register(
    NormKind(
        name="layer",
        formula="mean and variance of a row over channels and positions",
        source="Ba, Kiros and Hinton 2016, arXiv 1607.06450",
        build=build_layer,
    )
)
