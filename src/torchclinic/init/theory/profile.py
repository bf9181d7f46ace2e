"""VarianceProfile: how large signals are at each layer, forward and backward."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerVariance:
    r"""Of one layer; all are mean squares over units and rows.

    Attributes:
        layer: Its name.
        activation: The non-linearity that follows; None without one.
        fan_in: Inputs of a unit.
        fan_out: Outputs that an input feeds.
        weight_std: Root mean square of its weights.
        forward: $E[h^2]$ of its output (the pre-activation).
        activated: Variance of what comes out of the activation; of the output itself without one.
        backward: $E[(\partial L / \partial h)^2]$.
        weight_gradient: $E[(\partial L_b / \partial W)^2]$ of the loss of one row, of a linear
            layer; a convolution adds up its positions on top.
    """

    layer: str
    activation: str | None
    fan_in: int
    fan_out: int
    weight_std: float
    forward: float
    activated: float
    backward: float
    weight_gradient: float


@dataclass(frozen=True)
class VarianceProfile:
    """A net's layers in forward order.

    Attributes:
        layers: One row each.
        kind: "predicted" or "measured".

    >>> row = LayerVariance("0", "tanh", 4, 8, 0.5, 1.0, 0.39, 0.25, 0.1)
    >>> print(VarianceProfile((row,), "predicted"))
    predicted  fan_in  fan_out  weight std  forward  activated  backward
    0               4        8         0.5        1       0.39      0.25
    """

    layers: tuple[LayerVariance, ...]
    kind: str

    def __len__(self) -> int:
        return len(self.layers)

    def column(self, name: str) -> tuple[float, ...]:
        """One quantity by depth, such as "forward"."""
        return tuple(getattr(layer, name) for layer in self.layers)

    def __str__(self) -> str:
        head = (self.kind, "fan_in", "fan_out", "weight std", "forward", "activated", "backward")
        rows = [head, *map(_row, self.layers)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        )


def _row(layer: LayerVariance) -> tuple[str, ...]:
    numbers = (layer.weight_std, layer.forward, layer.activated, layer.backward)
    return (layer.layer, str(layer.fan_in), str(layer.fan_out), *(f"{n:.3g}" for n in numbers))
