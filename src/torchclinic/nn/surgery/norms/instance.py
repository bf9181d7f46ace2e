"""Instance norm in the place of another norm."""

from __future__ import annotations

from torch import nn

from torchclinic.nn.normalisation import ChannelsLast
from torchclinic.nn.surgery.norm_site import NormSite
from torchclinic.nn.surgery.norms.by_rank import class_for
from torchclinic.nn.surgery.norms.registry import NormKind, NormOptions, register

_CLASSES = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d, 5: nn.InstanceNorm3d}


def build_instance(site: NormSite, options: NormOptions) -> nn.Module:  # noqa: ARG001
    """An instance norm for the site, which must have positions to take statistics over."""
    norm = class_for(site, _CLASSES, "instance")(site.channels, affine=site.affine)
    return ChannelsLast(norm) if site.last else norm


INSTANCE = register(
    NormKind(
        name="instance",
        formula="mean and variance of a channel of a row over positions",
        source="Ulyanov, Vedaldi and Lempitsky 2016, arXiv 1607.08022",
        build=build_instance,
    )
)
