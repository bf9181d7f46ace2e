"""One treatment a file: Recipe -> Recipe.

Each remedy decides from facts whether it fits, says why and by which paper, and comes with the
lines of code that make the same change by hand.
"""

from importlib import import_module
from pkgutil import iter_modules

from torchclinic.remedies._registry import REMEDIES, register
from torchclinic.remedies._treat import treat
from torchclinic.remedies.patch import write_patch

__all__ = ["REMEDIES", "register", "treat", "write_patch"]

for _found in iter_modules(__path__):
    if not _found.ispkg and not _found.name.startswith("_"):
        import_module(f"{__name__}.{_found.name}")  # registers the remedy that it holds
