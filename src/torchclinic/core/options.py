"""Checks that the options of a recipe share."""

from __future__ import annotations

from typing import Any

from torchclinic.core.errors import RecipeError


def whole(value: Any) -> bool:
    """Whether it is a whole number of at least 1.

    >>> whole(3), whole(0), whole(True), whole(2.0)
    (True, False, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def check_options(options: object, what: str, **fields: tuple[bool, str]) -> None:
    """Raise a RecipeError for the first field that makes no sense.

    Args:
        options: Whose fields they are.
        what: How the options are called.
        fields: Name -> whether its value is sensible, and what would be.
    """
    for name, (sensible, allowed) in fields.items():
        if not sensible:
            raise RecipeError(f"{name} of the {what} is {getattr(options, name)!r}", hint=allowed)
