"""Parameters by glob over their names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from fnmatch import fnmatchcase

from torch import nn

from torchclinic.core import UsageError


def matching(model: nn.Module, globs: Iterable[str]) -> dict[str, nn.Parameter]:
    """Parameters that one of the globs names, in the model's order.

    A glob that names a module stands for all that is in it: "encoder" is "encoder.*".

    Raises:
        UsageError: For a glob that names no parameter, with names that are near it.

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    >>> list(matching(model, ["0", "*.bias"]))
    ['0.weight', '0.bias', '2.bias']
    """
    parameters = dict(model.named_parameters())
    chosen: set[str] = set()
    for glob in globs:
        found = {name for name in parameters if stands_for(glob, name)}
        if not found:
            near = difflib.get_close_matches(glob, parameters, 3, 0.3) or list(parameters)[:5]
            raise UsageError(
                f"no parameter of {type(model).__name__} matches {glob!r}",
                hint=f"there are {', '.join(near)}",
            )
        chosen |= found
    return {name: p for name, p in parameters.items() if name in chosen}


def stands_for(glob: str, name: str) -> bool:
    """Whether a glob means a parameter of this name.

    >>> stands_for("encoder", "encoder.0.weight"), stands_for("enc*r", "decoder.bias")
    (True, False)
    """
    return fnmatchcase(name, glob) or fnmatchcase(name, f"{glob}.*")
