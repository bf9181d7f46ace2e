"""Rows of any kind as points of one space: numbers by their columns, tokens by their words."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.clinic.preflight.data.neighbours import FURTHEST, columns_of, standardised

MOST_WORDS = 2000  # token numbers that are counted, the commonest
FEW_WORDS = 64  # up to so many, the place of a token tells more than how often it occurs
TOKENS = {torch.int8, torch.int16, torch.int32, torch.int64}


def points_of(*parts: Tensor | None) -> tuple[Tensor, ...] | None:
    """Points of several parts, scaled by the first one.

    Numbers and pixels give standardised columns. Token numbers give the root of how often each
    occurs in the row; of a small alphabet they give which token stands at each place.

    **Shape**: (N, ...) each to (N, columns).

    Returns:
        None for parts that have no points in common.

    >>> first, other = points_of(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0]]))
    >>> other.tolist()
    [[0.0]]
    """
    rows = [part.detach().cpu() for part in parts if part is not None and part.dim() > 1]
    if len(rows) < len(parts) or any(part.shape[1:] != rows[0].shape[1:] for part in rows):
        return None
    if any(part.is_complex() or not len(part) or not part[0].numel() for part in rows):
        return None
    if all(part.dtype in TOKENS and part.dim() == 2 for part in rows):
        return _words([part.long() for part in rows])
    if any(part.dtype in TOKENS or part.dtype == torch.bool for part in rows):
        return None
    columns = [columns_of(part).nan_to_num(0.0, 0.0, 0.0) for part in rows]
    found: list[Tensor] = []
    for part in columns:
        _, scaled = standardised(columns[0], part)
        assert scaled is not None
        found.append(scaled.clamp(-FURTHEST, FURTHEST))
    return tuple(found) if found[0].shape[1] else None


def nearest_distance(rows: Tensor, points: Tensor) -> Tensor:
    """Distance of each point to the nearest row.

    **Shape**: (N, columns) and (M, columns) to (M,).

    >>> nearest_distance(torch.tensor([[0.0], [4.0]]), torch.tensor([[1.0]])).tolist()
    [1.0]
    """
    return torch.cdist(points, rows).min(1).values


def _words(parts: list[Tensor]) -> tuple[Tensor, ...]:
    words, uses = torch.cat([part.flatten() for part in parts]).unique(return_counts=True)
    if len(words) <= FEW_WORDS and len(words) * parts[0].shape[1] <= MOST_WORDS:
        return tuple((part[:, :, None] == words).flatten(1).float() for part in parts)
    common = words[uses.argsort(descending=True)[:MOST_WORDS]].sort().values
    return tuple(_counts(part, common).sqrt() for part in parts)


def _counts(tokens: Tensor, words: Tensor) -> Tensor:
    place = torch.searchsorted(words, tokens).clamp(max=len(words) - 1)
    known = (words[place] == tokens).float()
    return torch.zeros(len(tokens), len(words)).scatter_add_(1, place, known)
