"""Whether probabilities mean what they say: calibration by bins of confidence."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from torchclinic.core import DataError
from torchclinic.nn.checks import at_least, one_of

BINS = 15  # Guo et al. 2017
NORMS = ("l1", "l2", "max")
_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Reliability:
    """What a reliability diagram shows.

    Attributes:
        edges: (bins + 1,) borders of the bins, from 0 to 1.
        counts: (bins,) predictions in each bin.
        confidence: (bins,) mean probability of the predicted class; NaN in empty bins.
        accuracy: (bins,) share of predictions that are right; NaN in empty bins.
    """

    edges: Tensor
    counts: Tensor
    confidence: Tensor
    accuracy: Tensor


def reliability(probabilities: Tensor, targets: Tensor, bins: int = BINS) -> Reliability:
    """Confidence and accuracy of the predicted class, by bins of confidence.

    **Shape**: probabilities (N, C), or (N,) of the positive class, targets (N,) -> see
    `Reliability`.

    Args:
        probabilities: Rows sum to 1.
        targets: Class indices; 0 or 1 for one column.
        bins: Number of bins of equal width, each open on the left.

    Raises:
        UsageError: For fewer than 1 bin.
        DataError: For shapes that do not fit, no rows, values that are no probabilities, or
            targets that are no class.

    >>> found = reliability(torch.tensor([[0.9, 0.1], [0.4, 0.6]]), torch.tensor([0, 0]), bins=2)
    >>> found.counts.tolist(), found.accuracy[1].item()
    ([0, 2], 0.5)
    """
    at_least(bins, 1, "bins")
    table = _table(probabilities, targets)
    confidence, label = table.max(1)
    right = (label == targets).to(torch.float64)
    place = (confidence * bins).ceil().long().clamp(1, bins) - 1
    counts = torch.bincount(place, minlength=bins)
    divisor = torch.where(counts > 0, counts, torch.nan).to(torch.float64)
    return Reliability(
        edges=torch.linspace(0.0, 1.0, bins + 1, dtype=torch.float64, device=table.device),
        counts=counts,
        confidence=torch.bincount(place, confidence, bins) / divisor,
        accuracy=torch.bincount(place, right, bins) / divisor,
    )


def calibration_error(
    probabilities: Tensor, targets: Tensor, bins: int = BINS, *, norm: str = "l1"
) -> float:
    r"""Expected calibration error of the predicted class.

    $ECE = \sum_b \frac{n_b}{N} |acc_b - conf_b|$; with "l2" the root of the weighted mean square,
    with "max" the largest gap.

    **Shape**: probabilities (N, C) or (N,), targets (N,).
    **Units**: of probability: 0 is calibrated, 1 is always sure and always wrong.

    Args:
        probabilities: Rows sum to 1; (N,) for the positive class of two.
        targets: Class indices.
        bins: Number of bins of equal width.
        norm: "l1", "l2" or "max".

    Raises:
        UsageError: For fewer than 1 bin, or another norm.
        DataError: As `reliability`.

    Source: Naeini, Cooper and Hauskrecht 2015, AAAI 29; Guo et al. 2017, "On Calibration of Modern
    Neural Networks", equation 3, arXiv 1706.04599.

    >>> sure = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    >>> calibration_error(sure, torch.tensor([0, 1]))
    0.5
    """
    one_of(norm, NORMS, "norm")
    found = reliability(probabilities, targets, bins)
    filled = found.counts > 0
    gap = (found.accuracy - found.confidence)[filled].abs()
    if norm == "max":
        return gap.max().item()
    share = found.counts[filled].to(torch.float64) / found.counts.sum()
    if norm == "l2":
        return (share * gap.square()).sum().sqrt().item()
    return (share * gap).sum().item()


def _table(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Probabilities in float64 with a column for each class."""
    table = probabilities.detach().to(torch.float64)
    if table.dim() == 2 and table.shape[1] == 1:
        table = table.squeeze(1)
    if table.dim() == 1:
        table = torch.stack([1.0 - table, table], 1)
    if table.dim() != 2 or targets.shape != table.shape[:1] or not len(table):
        raise DataError(
            f"probabilities have shape {tuple(probabilities.shape)}, targets "
            f"{tuple(targets.shape)}",
            hint="give (N, C) or (N,), and (N,)",
        )
    sums = table.sum(1)
    if not bool(((table >= 0) & (table <= 1)).all()) or bool(((sums - 1).abs() > _TOLERANCE).any()):
        raise DataError(
            f"the probabilities lie between {table.min():g} and {table.max():g} and sum to "
            f"{sums.min():g} to {sums.max():g}",
            hint="give probabilities, such as scores.softmax(1)",
        )
    if targets.is_floating_point() or bool(((targets < 0) | (targets >= table.shape[1])).any()):
        raise DataError(
            f"targets lie between {targets.min()} and {targets.max()} in {targets.dtype}",
            hint=f"they are class indices from 0 to {table.shape[1] - 1}",
        )
    return table
