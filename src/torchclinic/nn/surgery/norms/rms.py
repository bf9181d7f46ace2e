"""RMS norm in the place of another norm."""

from __future__ import annotations

from torch import nn

from torchclinic.nn.normalisation import ChannelsLast
from torchclinic.nn.surgery.norm_site import NormSite
from torchclinic.nn.surgery.norms.registry import NormKind, NormOptions, register


def build_rms(site: NormSite, options: NormOptions) -> nn.Module:  # noqa: ARG001
    """An RMS norm over the features, or over the channels at each position."""
    norm = nn.RMSNorm(site.channels, elementwise_affine=site.affine)
    return norm if site.last or site.ranks == (2,) else ChannelsLast(norm, inwards=False)


RMS = register(
    NormKind(
        name="rms",
        formula="root mean square of a row, at each position, over channels",
        source="Zhang and Sennrich 2019, arXiv 1910.07467",
        build=build_rms,
    )
)
