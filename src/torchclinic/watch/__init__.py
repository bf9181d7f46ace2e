"""Hooks, cadence and overhead budget: readings become a Trace.

The part can be called: `torchclinic.watch(model, optimizer)` is `torchclinic.watch.watch(...)`.
"""

import sys
from types import ModuleType
from typing import Any

from torchclinic.watch.files import load_trace, save_trace
from torchclinic.watch.options import WatchOptions
from torchclinic.watch.watcher import Watch, watch

__all__ = ["Watch", "WatchOptions", "load_trace", "save_trace", "watch"]


class _CallablePart(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Watch:
        return watch(*args, **kwargs)


sys.modules[__name__].__class__ = _CallablePart
