"""Choosing between the 1d, 2d and 3d form of a norm by the input's number of dimensions."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from torchclinic.core import SurgeryError
from torchclinic.nn.surgery.norm_site import NormSite


def class_for(site: NormSite, classes: Mapping[int, type[nn.Module]], norm: str) -> type[nn.Module]:
    """The class that fits all numbers of dimensions that a site may have.

    Args:
        site: The site.
        classes: Number of dimensions -> class.
        norm: Name of the norm, for the message.

    Raises:
        SurgeryError: If none fits, or several do.
    """
    found = {classes.get(rank) for rank in site.ranks}
    if len(found) == 1 and None not in found:
        return next(iter(filter(None, found)))
    if len(site.ranks) > 1:
        raise SurgeryError(
            f"{site.name!r} may get inputs of {' or '.join(map(str, site.ranks))} dimensions",
            hint="give a batch of inputs as example, so that it is seen",
        )
    raise SurgeryError(
        f"{site.name!r} gets inputs of {min(site.ranks)} dimensions: no {norm} norm there",
        hint=f"it needs {', '.join(map(str, sorted(classes)))} dimensions",
    )
