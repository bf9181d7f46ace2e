"""How much a part of the inputs alone tells of the targets."""

from __future__ import annotations

import torch
from torch import Tensor

SHUFFLES = 24
MOST_TOKENS = 24
MOST_CLASSES = 50
MOST_COLUMNS = 64


def tells(part: Tensor, targets: Tensor | None) -> float | None:
    """Squared correlations of a part with the targets, in deviations of shuffled targets.

    Classes are taken one against the others, token numbers likewise.

    Args:
        part: (rows, anything).
        targets: One label or some numbers a row.

    >>> labels = torch.arange(200) % 2
    >>> tells(labels.float(), labels) > 10
    True
    """
    wanted = None if targets is None else _wanted(targets)
    if wanted is None or len(wanted) != len(part) or len(part) < 50:
        return None
    given = _standard(_columns(part))
    if not given.numel() or not wanted.numel():
        return None
    generator = torch.Generator().manual_seed(0)
    score = _score(given, wanted)
    shuffled = torch.stack(
        [
            _score(given, wanted[torch.randperm(len(wanted), generator=generator)])
            for _ in range(SHUFFLES)
        ]
    )
    spread = float(shuffled.std())
    return float(score - shuffled.mean()) / spread if spread > 0 else None


def _score(given: Tensor, wanted: Tensor) -> Tensor:
    return (given.T @ wanted).square().sum() / len(given)


def _columns(part: Tensor) -> Tensor:
    flat = part.detach().cpu().reshape(len(part), -1)
    if flat.is_floating_point():
        return flat[:, :MOST_COLUMNS].float()
    values, counts = flat.unique(return_counts=True)
    common = values[counts.argsort(descending=True)[:MOST_TOKENS]]
    return torch.stack([(flat == value).float().sum(1) for value in common], 1)


def _wanted(targets: Tensor) -> Tensor | None:
    flat = targets.detach().cpu().reshape(len(targets), -1)
    if flat.shape[1] > MOST_CLASSES:
        return None
    if not flat.is_floating_point() and flat.shape[1] == 1:
        classes = flat.unique()
        if len(classes) > MOST_CLASSES:
            return None
        return _standard((flat == classes).float())
    return _standard(flat.float())


def _standard(columns: Tensor) -> Tensor:
    centred = columns - columns.mean(0)
    spread = centred.std(0, correction=0)
    kept = (spread > 1e-6 * columns.abs().amax(0).clamp(min=1e-12)) & spread.isfinite()
    return centred[:, kept] / spread[kept]
