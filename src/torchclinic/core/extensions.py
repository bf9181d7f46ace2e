"""Late binding: lets a value type offer a method whose work is done by a part below it.

`core` may import no other part, yet `trace.save(path)` and `repair.report(path)` are what a user
expects. The package's `__init__` tells core once where such work is done; core looks it up on call.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from torchclinic.core.errors import UsageError

_TARGETS: dict[str, str] = {}


def provide(name: str, target: str) -> None:
    """Say that `name` is done by `target`, written "package.module:function"."""
    _TARGETS[name] = target


def call(name: str, *args: Any, **kwargs: Any) -> Any:
    """Call what provides `name`, importing it on first use."""
    try:
        module, function = _TARGETS[name].split(":")
    except KeyError:
        raise UsageError(f"nothing provides {name!r}", hint="import torchclinic first") from None
    return getattr(import_module(module), function)(*args, **kwargs)
