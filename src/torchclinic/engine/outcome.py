"""Outcome: the result of one piece of work, or its error in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torchclinic.core import TorchclinicError

Work = Callable[[], Any]


@dataclass(frozen=True)
class Outcome:
    """What a piece of work came to.

    Attributes:
        value: Its result; None when it failed.
        error: What went wrong; None when it did not.
        final: Whether doing it again would end the same way.
        seconds: Wall time.
    """

    value: Any = None
    error: str | None = None
    final: bool = True
    seconds: float = 0.0


def attempt(work: Work) -> Outcome:
    """Do the work; any exception but an interrupt becomes the outcome's error.

    >>> attempt(lambda: 1 / 0).error
    'ZeroDivisionError: division by zero'
    """
    started = time.perf_counter()

    def outcome(value: Any, error: str | None, *, final: bool) -> Outcome:
        return Outcome(value, error, final, time.perf_counter() - started)

    try:
        return outcome(work(), None, final=True)
    except TorchclinicError as error:
        return outcome(None, str(error), final=True)
    except Exception as error:  # noqa: BLE001 - a user's recipe may fail in any way
        return outcome(None, f"{type(error).__name__}: {error}", final=False)
