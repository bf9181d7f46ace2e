"""commonest(): what a model says where the target is not the commonest one."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.facts import CommonestFacts

MOST = 0.5  # share of one target from which it is the median


def commonest(output: Tensor, target: Tensor | None) -> CommonestFacts | None:
    """The commonest target, and the outputs where it is another.

    Returns:
        None where they are not numbers of one shape, or no target makes up half of them.

    >>> import torch
    >>> target = torch.tensor([0.0, 0.0, 0.0, 4.0])
    >>> commonest(torch.tensor([0.0, 0.1, 0.0, 0.2]), target).missed
    0.05
    """
    if target is None or not target.is_floating_point() or output.shape != target.shape:
        return None
    values, counts = target.flatten().unique(return_counts=True)
    share = float(counts.max()) / target.numel() if target.numel() else 1.0
    if not MOST < share < 1:
        return None
    value = values[counts.argmax()]
    away, off = target - value, output - value
    others = away != 0
    size = float(away[others].abs().median())
    missed = float((off * away.sign())[others].median()) / size
    return CommonestFacts(float(value), share, round(missed, 6))
