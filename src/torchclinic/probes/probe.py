"""What a probe is: one statistic of a layer, read for many layers at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from torch import Tensor


class Need(Enum):
    """What a probe reads; each member names the sample type that its `read` is given."""

    OUTPUT = "outputs of layers"  # OutputSample
    UNIT_MAXIMA = "largest output of each unit over the last rows"  # UnitMaxima
    OUTPUT_GRADIENT = "gradients at the outputs of layers"  # OutputSample
    OUTPUT_GRADIENT_NORM = "norms of the gradients at outputs"  # Norms
    PARAMETER_GRADIENT = "norms of parameter gradients"  # Norms
    WEIGHT = "norms of weights"  # Norms
    UPDATE = "norms of weight updates"  # Norms
    ELEMENTS = "all elements, where a sum is not finite"  # Elements


@dataclass(frozen=True)
class ProbedLayer:
    """What a probe may ask about a layer before it is read.

    Attributes:
        name: Qualified name.
        kind: Class name of the module, or "Parameter".
        activation: Name of the non-linearity that follows, None if none does.
        activation_unknown: Why the non-linearity that follows is not known; empty if it is.
        normalised: Whether a norm stands between the layer and that non-linearity.
    """

    name: str
    kind: str
    activation: str | None = None
    activation_unknown: str = ""
    normalised: bool = False


@runtime_checkable
class Probe(Protocol):
    """An instrument: reads one statistic of all layers of a sample in a few tensor operations.

    `read` runs inside a training: it must leave its inputs, the random state and the gradient mode
    as they are, take no `.item()`, and return one value a layer. What it raises is caught; the
    statistic is then "not applicable" with the message as the reason.

    Attributes:
        name: The statistic's name in the Trace, unique in the registry.
        need: What it reads.
        unit: Unit or range of its values, in words.
        cheap: Whether the preset "cheap" has it.
    """

    @property
    def name(self) -> str:
        """The statistic's name in the Trace."""
        ...

    @property
    def need(self) -> Need:
        """What it reads."""
        ...

    @property
    def unit(self) -> str:
        """Unit or range of its values."""
        ...

    @property
    def cheap(self) -> bool:
        """Whether the preset "cheap" has it."""
        ...

    def why_not(self, layer: ProbedLayer) -> str:
        """Why it cannot be read at this layer; empty when it can."""
        ...

    def read(self, sample: Any) -> Tensor:
        """One value a layer, from the sample type that `need` names."""
        ...
