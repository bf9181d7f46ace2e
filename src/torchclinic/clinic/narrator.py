"""How the clinic says what it is doing, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable

Narrator = Callable[[str], None]


def silent(message: str) -> None:
    """Say nothing."""
    del message
