"""Target: a layer that is watched, and what is learned about it on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from torchclinic.probes.probe import ProbedLayer


@dataclass(eq=False, slots=True)
class Target:
    """A watched layer.

    Attributes:
        index: Position among the targets.
        name: Qualified name of the module, or of a bare parameter.
        kind: Class name of the layer, or "Parameter".
        parameters: Its own parameters, by name.
        module: The module; None for a bare parameter.
        no_output: Why the module's output cannot be read; empty when it can.
        unit_dim: Dimension of the output in which its units lie.
        order: Position in forward order among the weighted layers, as far as it is known.
        activation: Name of the non-linearity that follows.
        activation_unknown: Why that is not known; empty when it is.
        normalised: Whether a norm stands between it and that non-linearity.
        failed: Statistic -> what went wrong ("*" for the whole output).
        calls: Forward calls seen in the step that is being read.
        reached: When its output was first seen, counted over all layers; 0 for never.
        overwritten: Whether something writes into its output before the step is over.
    """

    index: int
    name: str
    kind: str
    parameters: dict[str, nn.Parameter]
    module: nn.Module | None = None
    no_output: str = ""
    unit_dim: int = -1
    order: float | None = None
    activation: str | None = None
    activation_unknown: str = "no forward pass has been seen yet"
    normalised: bool = False
    failed: dict[str, str] = field(default_factory=dict[str, str])
    calls: int = 0
    reached: int = 0
    overwritten: bool = True

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        """Its weights without biases: matrices and kernels, else what is called "weight"."""
        matrices = {k: p for k, p in self.parameters.items() if p.ndim > 1}
        return matrices or {k: p for k, p in self.parameters.items() if k.endswith("weight")}

    def fail(self, statistic: str, error: Exception) -> None:
        """Note what went wrong with a statistic, or with the whole output ("*")."""
        self.failed.setdefault(statistic, f"{type(error).__name__}: {error}")

    def probed(self) -> ProbedLayer:
        """As probes see it."""
        return ProbedLayer(
            self.name, self.kind, self.activation, self.activation_unknown, self.normalised
        )
