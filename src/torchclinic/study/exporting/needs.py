"""Packages that come with an extra."""

from __future__ import annotations

from importlib.util import find_spec

from torchclinic.core import UsageError


def need(package: str, extra: str) -> None:
    """Insist that a package is installed.

    Args:
        package: Its import name.
        extra: Of torchclinic, that brings it.

    Raises:
        UsageError: If it is not; it says what to type.
    """
    if find_spec(package) is None:
        raise UsageError(f"{package} is not installed", hint=f'pip install "torchclinic[{extra}]"')
