"""What the gallery needs beyond torchclinic's own dependencies."""

from __future__ import annotations

from importlib.util import find_spec

from torchclinic.core import UsageError

NEEDED = ("matplotlib", "PIL", "tensorboard")


def check_extras() -> None:
    """Raises UsageError, naming the extra, if a library that the gallery draws with is missing."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the gallery needs {', '.join(missing)}", hint='pip install "torchclinic[gallery]"'
        )
