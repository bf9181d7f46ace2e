"""DataScheme: a way to fill a whole model that looks at a batch of data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torchclinic.core import Registry
from torchclinic.init.report import InitReport


@dataclass(frozen=True)
class DataScheme:
    """A way to fill a model by what its layers do to a batch.

    Attributes:
        name: Kebab-case, unique.
        title: For tables.
        fill: `fill(model, run_forward, generator=..., **options)`, in place.
        options: Names of its options.
        source: Paper.
    """

    name: str
    title: str
    fill: Callable[..., InitReport]
    options: tuple[str, ...]
    source: str


DATA_SCHEMES: Registry[DataScheme] = Registry("data-dependent scheme")

RunForward = Callable[[Any], Any]
