"""Batch norm, and its two variants, in the place of another norm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from torchclinic.nn.normalisation import (
    ChannelsLast,
    GhostBatchNorm1d,
    GhostBatchNorm2d,
    GhostBatchNorm3d,
    StatisticsOnlyBatchNorm1d,
    StatisticsOnlyBatchNorm2d,
    StatisticsOnlyBatchNorm3d,
)
from torchclinic.nn.surgery.norm_site import NormSite
from torchclinic.nn.surgery.norms.by_rank import class_for
from torchclinic.nn.surgery.norms.registry import NormKind, NormOptions, register

_Classes = Mapping[int, type[nn.Module]]

_PLAIN = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
_GHOST = {2: GhostBatchNorm1d, 3: GhostBatchNorm1d, 4: GhostBatchNorm2d, 5: GhostBatchNorm3d}
_STATISTICS = {
    2: StatisticsOnlyBatchNorm1d,
    3: StatisticsOnlyBatchNorm1d,
    4: StatisticsOnlyBatchNorm2d,
    5: StatisticsOnlyBatchNorm3d,
}


def _make(site: NormSite, classes: _Classes, **options: Any) -> nn.Module:
    norm = class_for(site, classes, "batch")(site.channels, **options)
    return ChannelsLast(norm) if site.last and site.ranks != (2,) else norm


def build_batch(site: NormSite, options: NormOptions) -> nn.Module:  # noqa: ARG001
    """A batch norm for the site."""
    return _make(site, _PLAIN, affine=site.affine)


def build_ghost(site: NormSite, options: NormOptions) -> nn.Module:
    """A ghost batch norm for the site."""
    return _make(site, _GHOST, affine=site.affine, ghost_size=options.ghost_size)


def build_statistics(site: NormSite, options: NormOptions) -> nn.Module:  # noqa: ARG001
    """A batch norm without gamma and beta for the site."""
    return _make(site, _STATISTICS)


BATCH = register(
    NormKind(
        name="batch",
        formula="mean and variance of a channel over rows and positions",
        source="Ioffe and Szegedy 2015, arXiv 1502.03167",
        build=build_batch,
    )
)
GHOST = register(
    NormKind(
        name="ghost",
        formula="mean and variance of a channel over positions and parts of the rows",
        source="Hoffer, Hubara and Soudry 2017, arXiv 1705.08741",
        build=build_ghost,
    )
)
STATISTICS = register(
    NormKind(
        name="statistics",
        formula="batch norm without gamma and beta",
        source="Ioffe and Szegedy 2015, section 3, arXiv 1502.03167",
        build=build_statistics,
    )
)
