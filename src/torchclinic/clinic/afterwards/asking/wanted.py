"""What outputs are compared with: numbers of their own shape, or labels of their rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

SCORE_SIZES = (1.0, 3.0, 9.0)  # of made-up scores, whose sigmoid or softmax may be taken
SHARE_SIZES = (0.15, 0.3, 0.45)  # around 0.5, of made-up shares
VALUE_SIZES = (0.3, 1.0, 3.0)  # times the targets' own deviations from their mean
LABEL_SIZES = (1.0, 5.0, 25.0)  # times untrained outputs, which are often small
FEWEST_ROWS = 8
Made = tuple[Tensor, Tensor, Tensor | None]


@dataclass(frozen=True)
class Numbers:
    """Targets of the outputs' own shape."""

    targets: Tensor
    kind: Literal["classes", "shares", "values"]

    def likeness(self, output: Tensor) -> float | None:
        """Pearson's correlation over all elements; None without variance.

        >>> round(Numbers(torch.tensor([0.0, 1.0]), "shares").likeness(torch.tensor([3.0, 1.0])))
        -1
        """
        x, y = output.double().flatten(), self.targets.double().flatten()
        if x.shape != y.shape:
            return None
        x, y = x - x.mean(), y - y.mean()
        size = float(x.norm() * y.norm())
        value = float(x @ y) / size if size > 0 else math.nan
        return value if math.isfinite(value) else None

    def made_up(self, given: Tensor, order: Tensor) -> Iterator[Made]:
        """Outputs that follow the targets, the same in other rows, and the opposite."""
        if self.kind == "values":
            middle = self.targets.mean(0, keepdim=True)
            away, sizes = self.targets - middle, VALUE_SIZES
        else:
            inside = _inside(given)
            middle = torch.full_like(self.targets, 0.5 if inside else 0.0)
            away, sizes = 2 * self.targets - 1, SHARE_SIZES if inside else SCORE_SIZES
        for size in sizes:
            yield middle + size * away, middle + size * away[order], middle - size * away


@dataclass(frozen=True)
class Labels:
    """One label a row, of which outputs of any shape should know."""

    targets: Tensor
    kind: Literal["labels"] = "labels"

    def likeness(self, output: Tensor) -> float | None:
        """1 minus the distance within labels over that between them; None without distances.

        >>> Labels(torch.tensor([0, 0, 1, 1])).likeness(torch.tensor([[0.0], [0.0], [3.0], [3.0]]))
        1.0
        """
        rows = output.double().reshape(len(output), -1)
        apart = torch.cdist(rows, rows)
        same = self.targets[:, None] == self.targets[None]
        pairs = ~torch.eye(len(rows), dtype=torch.bool, device=rows.device)
        between = float(apart[~same].mean())
        value = 1 - float(apart[same & pairs].mean()) / between if between > 0 else math.nan
        return value if math.isfinite(value) else None

    def made_up(self, given: Tensor, order: Tensor) -> Iterator[Made]:
        """Each label gets the output of some row; then the same in other rows."""
        labels, places = self.targets.unique(return_inverse=True)
        picked = given[torch.linspace(0, len(given) - 1, len(labels)).long()]
        middle = given.mean(0, keepdim=True)
        for size in LABEL_SIZES:
            rows = (middle + size * (picked - middle))[places]
            yield rows, rows[order], None


def as_numbers(output: Tensor, target: Tensor | None, *, heard: bool) -> Numbers | None:
    """The targets in the shape of the outputs; None where they have none.

    Args:
        output: Rows.
        target: What they are compared with.
        heard: Whether a loss function of torch does that, so that columns are classes.

    >>> as_numbers(-torch.ones(9, 2), torch.ones(9, dtype=torch.long), heard=True).kind
    'classes'
    """
    if target is None or not output.is_floating_point() or not output.dim():
        return None
    if len(output) < FEWEST_ROWS or not target.numel():
        return None
    if not target.is_floating_point() and output.dim() > 1 and target.dim():
        return _classes(output, target, heard=heard)
    if output.shape != target.shape:
        return None
    values = target.to(output.dtype)
    return Numbers(values, "shares" if _inside(values) else "values")


def _inside(values: Tensor) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())


def _classes(output: Tensor, target: Tensor, *, heard: bool) -> Numbers | None:
    columns, most = output.shape[1], int(target.max()) + 1
    if (len(output), *output.shape[2:]) != target.shape or int(target.min()) < 0 or columns < 2:
        return None
    if most > columns or (most < columns and not heard):  # an embedding, say
        return None
    rows = F.one_hot(target.long(), columns).movedim(-1, 1)
    masks = output.dim() > 2 or _inside(output)
    return Numbers(rows.to(output.dtype), "shares" if masks else "classes")


def as_labels(output: Tensor, target: Tensor | None) -> Labels | None:
    """The targets as labels of the rows; None where they are none.

    >>> as_labels(torch.zeros(4, 3), torch.tensor([0, 1, 2, 3])) is None
    True
    """
    if target is None or target.is_floating_point():
        return None
    if not output.is_floating_point() or output.dim() < 2:
        return None
    if len(output) < FEWEST_ROWS or target.numel() != len(output):
        return None
    flat = target.flatten()
    _, counts = flat.unique(return_counts=True)
    return Labels(flat) if len(counts) > 1 and 2 * len(counts) <= len(flat) else None
