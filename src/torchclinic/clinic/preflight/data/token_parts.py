"""How token numbers are used in two parts of the data."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

FEWEST_ROWS = 20
FEWEST_WORDS = 8
MOST_WORDS = 50_000
DRAWS = 12


def token_likeness(train: Tensor, validation: Tensor) -> dict[str, Any]:
    r"""Do the parts use the same numbers for the same words, and fill rows up on the same side?

    The correlation over token numbers of $\log(1 + n)$, with n the occurrences in each part,
    against parts drawn at random from the rows of both; and the share of the commonest token at
    each position.

    **Shape**: whole numbers (N, positions) and (M, positions).

    Returns:
        Fields of PartFacts; none for other shapes, few rows or few words.
    """
    if train.dim() != 2 or validation.dim() != 2 or train.shape[1] != validation.shape[1]:
        return {}
    if min(len(train), len(validation)) < FEWEST_ROWS or train.shape[1] < 2:
        return {}
    ours, theirs = train.detach().cpu().long(), validation.detach().cpu().long()
    size = 1 + max(int(ours.max()), int(theirs.max()))
    if min(int(ours.min()), int(theirs.min())) < 0 or size > MOST_WORDS:
        return {}
    return {**_words(ours, theirs, size), **_filler(ours, theirs)}


def _words(ours: Tensor, theirs: Tensor, size: int) -> dict[str, Any]:
    if len(ours.unique()) < FEWEST_WORDS:
        return {}
    pooled = torch.cat((ours, theirs))
    generator = torch.Generator().manual_seed(0)
    drawn: list[float] = []
    for _ in range(DRAWS):
        order = torch.randperm(len(pooled), generator=generator)
        drawn.append(_alike(pooled[order[: len(ours)]], pooled[order[len(ours) :]], size))
    chance = torch.tensor(drawn, dtype=torch.float64)
    found = _alike(ours, theirs, size)
    return {
        "words": found,
        "words_chance": float(chance.mean()),
        "words_z": (float(chance.mean()) - found) / max(float(chance.std()), 1e-6),
        "words_sorted": _correlation(
            _uses(ours, size).sort().values, _uses(theirs, size).sort().values
        ),
    }


def _filler(ours: Tensor, theirs: Tensor) -> dict[str, Any]:
    """Where the commonest token stands; nothing where no token fills rows up."""
    commonest = int(torch.mode(torch.cat((ours.flatten(), theirs.flatten()))).values)
    one, other = (ours == commonest).double().mean(0), (theirs == commonest).double().mean(0)
    place = int((one - other).abs().argmax())
    rows = len(ours) + len(theirs)
    share = float(one[place] * len(ours) + other[place] * len(theirs)) / rows
    spread = math.sqrt(max(share * (1 - share), 1e-9) * (1 / len(ours) + 1 / len(theirs)))
    return {
        "filler": commonest,
        "filler_place": place,
        "filler_shares": (float(one[place]), float(other[place])),
        "filler_z": abs(float(one[place] - other[place])) / spread,
    }


def _uses(tokens: Tensor, size: int) -> Tensor:
    return tokens.flatten().bincount(minlength=size).double().log1p()


def _alike(one: Tensor, other: Tensor, size: int) -> float:
    uses, others = _uses(one, size), _uses(other, size)
    used = (uses > 0) | (others > 0)
    return _correlation(uses[used], others[used])


def _correlation(one: Tensor, other: Tensor) -> float:
    found = float(torch.corrcoef(torch.stack((one, other)))[0, 1])
    return found if math.isfinite(found) else 0.0
