"""The norms that a model's norms can be replaced by: what each of them is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from torchclinic.core import Registry
from torchclinic.nn.normalisation.ghost_batch_norm import GHOST_SIZE
from torchclinic.nn.surgery.norm_site import NormSite


@dataclass(frozen=True)
class NormOptions:
    """What some norms need to know.

    Attributes:
        groups: Of a group norm; None for the largest divisor of the channels that is at most 32 and
            leaves two channels a group.
        ghost_size: Rows in a part of a ghost batch norm.
    """

    groups: int | None = None
    ghost_size: int = GHOST_SIZE


@dataclass(frozen=True)
class NormKind:
    """A norm to replace others by.

    Attributes:
        name: In the call.
        formula: What it computes.
        source: Where it comes from.
        build: Makes the module for a site; None for one that puts nothing in the place.
        parametrise: Normalises the weight of the layer before; None for the others.
    """

    name: str
    formula: str
    source: str
    build: Callable[[NormSite, NormOptions], nn.Module] | None = None
    parametrise: Callable[[nn.Module], None] | None = None


NORMS = Registry[NormKind]("norm")


def register(kind: NormKind) -> NormKind:
    """Add a norm under its name."""
    return NORMS.add(kind.name, kind)
