"""ForwardMap: how the layers of a model hang together, as one forward pass showed it."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from torchclinic.graph.flow import Op
from torchclinic.graph.layer_kinds import is_norm, unit_dim


@dataclass(frozen=True)
class LayerNode:
    """A weighted layer in the forward pass.

    Attributes:
        name: Qualified module name; for a bare parameter in a matrix product, its name.
        module: The module; None for a bare parameter.
        kind: Torch's class name; "Parameter" for a bare one.
        order: Position in forward order, from 0, by the first call.
        activation: Non-linearity that acts on the layer's output, directly or after a norm.
        activation_module: Qualified name of the module that is that activation, if it is one.
        sum_activation: The same, also where the output is first added to something else.
        normalised: Whether a norm stands between the output and the non-linearity.
        residual: Whether it lies on a branch that is added to a shortcut.
        output: Whether it is the last weighted layer before the model's output.
        calls: How often the pass ran it.
        weight: The bare parameter, None for a module.
        fans: (fan_in, fan_out), None if it has none.
        unit_axis: Dimension of the weight in which the units lie.
        bias: Whether it adds a bias.
    """

    name: str
    module: nn.Module | None
    kind: str
    order: int
    activation: str | None = None
    activation_module: str | None = None
    sum_activation: str | None = None
    normalised: bool = False
    residual: bool = False
    output: bool = False
    calls: int = 1
    weight: nn.Parameter | None = None
    fans: tuple[int, int] | None = None
    unit_axis: int = 0
    bias: bool = False

    @property
    def unit_dim(self) -> int:
        """Dimension of the output in which the units lie."""
        return unit_dim(self.kind)

    @property
    def is_norm(self) -> bool:
        """Whether it normalises."""
        return is_norm(self.kind)


@dataclass(frozen=True)
class ForwardMap:
    """How the layers hang together.

    Attributes:
        layers: Weighted layers in forward order, norms included.
        ops: All operations that the values from the model's inputs went through.
        linear_pairs: Pairs of layers with nothing non-linear between them.
        output_activation: The last operation if it is an activation, else None.
        output_activation_module: Qualified name of the module that is that activation.
        inner_softmax: Layers followed by a softmax that is neither the output nor attention.
        residual: Whether there are additive shortcuts.
        norms: Number of normalisation layers that ran, with and without parameters.
    """

    layers: tuple[LayerNode, ...] = ()
    ops: tuple[Op, ...] = field(default=(), repr=False)
    linear_pairs: tuple[tuple[str, str], ...] = ()
    output_activation: str | None = None
    output_activation_module: str | None = None
    inner_softmax: tuple[str, ...] = ()
    residual: bool = False
    norms: int = 0

    def layer(self, name: str) -> LayerNode | None:
        """The layer of that name, or None."""
        return next((layer for layer in self.layers if layer.name == name), None)

    def activations(self) -> dict[str, str | None]:
        """Layer name -> the non-linearity that its output goes into, also after a sum."""
        return {layer.name: layer.activation or layer.sum_activation for layer in self.layers}
