"""OptimizerKind: an optimizer with its formula, its defaults and what it keeps in memory."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

from torch.optim import Optimizer

from torchclinic.core import Registry, UsageError

# Options that choose an implementation, not what is computed.
_IMPLEMENTATION = frozenset(
    {"maximize", "foreach", "capturable", "differentiable", "fused", "kwargs"}
)


@dataclass(frozen=True)
class OptimizerKind:
    r"""An optimizer. In formulas $w$ are the weights, $g$ their gradient, $\eta$ the rate.

    Attributes:
        name: As `make` knows it.
        title: For tables and legends.
        formula: One update, as a textbook writes it; t counts from 1.
        attribute: Name of the class in its library.
        memory: Numbers kept for each weight of a matrix, with the default options.
        source: Paper.
        library: Where the class lives.
        fixed: Options that make it what it is (a momentum).
        state: What is kept, in words.
        note: What to know before using it.
    """

    name: str
    title: str
    formula: str
    attribute: str
    memory: float
    source: str
    library: Literal["torch.optim", "pytorch_optimizer"] = "torch.optim"
    fixed: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    state: str = ""
    note: str = ""

    def __str__(self) -> str:
        r"""What there is to know of it, line by line.

        >>> from torchclinic.optim import OPTIMIZERS
        >>> print(OPTIMIZERS["sgd"])
        SGD: w_{t+1} = w_t - \eta g_t
        defaults: lr=0.001, momentum=0, dampening=0, weight_decay=0, nesterov=False
        memory: 0 numbers a weight (nothing)
        source: Robbins and Monro 1951, doi 10.1214/aoms/1177729586
        """
        defaults = ", ".join(f"{name}={value!r}" for name, value in self.defaults().items())
        lines = [
            f"{self.title}: {self.formula}",
            f"defaults: {defaults}",
            f"memory: {self.memory:g} numbers a weight ({self.state})",
            f"source: {self.source}",
        ]
        return "\n".join([*lines, f"note: {self.note}"] if self.note else lines)

    def load(self) -> type[Optimizer]:
        """The class.

        Raises:
            UsageError: If its library is not installed.
        """
        return getattr(library(self.library), self.attribute)

    def options(self) -> tuple[str, ...]:
        """Names of all options that the class has."""
        return options_of(self.load())

    def defaults(self) -> dict[str, Any]:
        """Values of the options that decide what is computed.

        >>> from torchclinic.optim import OPTIMIZERS
        >>> OPTIMIZERS["momentum"].defaults()["momentum"]
        0.9
        """
        parameters = inspect.signature(self.load()).parameters.items()
        found = {
            name: parameter.default
            for name, parameter in parameters
            if parameter.default is not parameter.empty and name not in _IMPLEMENTATION
        }
        return found | dict(self.fixed)


OPTIMIZERS: Registry[OptimizerKind] = Registry("optimizer", "torchclinic.optimizers")


def library(name: str) -> Any:
    """Import torch.optim or pytorch_optimizer.

    Raises:
        UsageError: If it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise UsageError(
            f"this optimizer needs the package {name}", hint='pip install "torchclinic[optim]"'
        ) from None


def options_of(kind: type[Optimizer]) -> tuple[str, ...]:
    """Names of the options that an optimizer class has besides its parameters."""
    return tuple(inspect.signature(kind).parameters)[1:]
