"""Which modules of the user's a worker could not import, so that their code must travel."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

_INSTALLED = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)
_OWN = "torchclinic"


@contextmanager
def traveling(cloudpickle: Any, *, same_machine: bool) -> Iterator[None]:
    """Inside, functions and classes of modules that workers lack are pickled by value.

    Args:
        cloudpickle: Ray's.
        same_machine: Whether all workers run here, and so can import what this process can.
    """
    present = cloudpickle.list_registry_pickle_by_value()
    strange = [
        module
        for name, module in list(sys.modules.items())
        if name not in present and _is_local(name, module)
        if not (same_machine and importable(name, module))
    ]
    for module in strange:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in strange:
            cloudpickle.unregister_pickle_by_value(module)


def importable(name: str, module: ModuleType) -> bool:
    """Whether another process with the same `sys.path` would find the very same file.

    A script that was loaded by its path is in `sys.modules`, but on no path.

    >>> import json.decoder
    >>> importable("json.decoder", json.decoder)
    True
    """
    places, spec, prefix = None, None, ""
    for part in name.split("."):
        prefix = f"{prefix}.{part}" if prefix else part
        spec = PathFinder.find_spec(prefix, places)
        if spec is None:
            return False
        places = spec.submodule_search_locations
    return spec is not None and spec.origin == module.__file__


def _is_local(name: str, module: Any) -> bool:
    """Whether a module is the user's own code and not part of something installed."""
    file = getattr(module, "__file__", None)
    if not isinstance(module, ModuleType) or not isinstance(file, str) or name == "__main__":
        return False
    if name.partition(".")[0] == _OWN or not Path(file).is_absolute():  # torch.ops has "_ops.py"
        return False
    return not file.startswith(_INSTALLED)
