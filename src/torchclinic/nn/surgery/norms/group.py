"""Group norm in the place of another norm."""

from __future__ import annotations

from torch import nn

from torchclinic.core import SurgeryError
from torchclinic.nn.checks import at_least
from torchclinic.nn.normalisation import ChannelsLast
from torchclinic.nn.surgery.norm_site import NormSite
from torchclinic.nn.surgery.norms.registry import NormKind, NormOptions, register

MOST_GROUPS = 32  # Wu and He 2018


def default_groups(channels: int) -> int:
    """The largest divisor of the channels that is at most 32 and leaves two channels a group.

    >>> default_groups(64), default_groups(20), default_groups(3)
    (32, 10, 1)
    """
    return next(
        g for g in range(max(1, min(MOST_GROUPS, channels // 2)), 0, -1) if not channels % g
    )


def build_group(site: NormSite, options: NormOptions) -> nn.Module:
    """A group norm for the site.

    Raises:
        SurgeryError: If the groups do not divide the channels.
    """
    groups = options.groups
    if groups is None:
        groups = default_groups(site.channels)
    if site.channels % at_least(groups, 1, "groups"):
        divisors = [g for g in range(1, site.channels + 1) if not site.channels % g]
        raise SurgeryError(
            f"groups is {groups}, which does not divide the {site.channels} channels of "
            f"{site.name!r}",
            hint=f"known: {', '.join(map(str, divisors))}",
        )
    norm = nn.GroupNorm(groups, site.channels, affine=site.affine)
    return ChannelsLast(norm) if site.last and site.ranks != (2,) else norm


GROUP = register(
    NormKind(
        name="group",
        formula="mean and variance of a group of channels of a row over positions",
        source="Wu and He 2018, arXiv 1803.08494",
        build=build_group,
    )
)
