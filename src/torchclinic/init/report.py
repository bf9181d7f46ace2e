"""InitReport: what an initialisation did to each parameter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Filled:
    """A parameter and what it was filled with.

    Attributes:
        parameter: Qualified name.
        shape: Its shape.
        method: In words ("He normal, gain 1.41"); why it was left for one that was.
        std: Standard deviation of what it was filled with, None for a constant or when left.
    """

    parameter: str
    shape: tuple[int, ...]
    method: str
    std: float | None = None


@dataclass(frozen=True)
class InitReport:
    """What an initialisation did.

    Attributes:
        filled: Parameters that were filled, in forward order.
        left: Parameters that were left as they were, with the reason.

    >>> print(InitReport((Filled("fc.weight", (4, 3), "He normal", 0.8),)))
    parameter  shape  std    method
    fc.weight  4x3    0.800  He normal
    """

    filled: tuple[Filled, ...] = ()
    left: tuple[Filled, ...] = ()

    def __str__(self) -> str:
        rows = [("parameter", "shape", "std", "method"), *map(_row, (*self.filled, *self.left))]
        widths = [max(len(row[place]) for row in rows) for place in range(3)]
        return "\n".join(
            "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]])
            for row in rows
        )


def _row(filled: Filled) -> tuple[str, str, str, str]:
    shape = "x".join(map(str, filled.shape)) or "scalar"
    std = "-" if filled.std is None else f"{filled.std:.3g}".ljust(5, "0")
    return filled.parameter, shape, std, filled.method
