"""Random masks, drawn cheaply: sixteen bits of the generator decide about an element."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 65536  # a 16-bit word: p is taken to the next multiple of 1/65536
_WORDS = 4  # 16-bit words in the 64 bits that the generator yields at a time
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


def keep_mask(like: Tensor, p: float) -> Tensor:
    """Which elements are kept, each of them independently with probability 1 - p.

    On the CPU four elements come out of one 64-bit random number, which is several times faster
    than `bernoulli_`, the slowest part of `nn.Dropout` there; p is rounded to a multiple of
    1/65536 for it. Elsewhere an element is a uniform random number.

    **Shape**: any -> the same, bool.

    Args:
        like: Gives shape and device.
        p: Probability of dropping an element, from 0 to 1.

    >>> _ = torch.manual_seed(0)
    >>> share = keep_mask(torch.empty(100, 1000), 0.25).float().mean().item()
    >>> round(share, 2)
    0.75
    """
    if like.device.type != "cpu":
        return torch.rand(like.shape, device=like.device) >= p
    kept = _kept_levels(p)
    if kept in (0, LEVELS):
        return torch.full_like(like, kept == LEVELS, dtype=torch.bool)
    count = like.numel()
    words = torch.randint(
        _LOWEST, _HIGHEST, ((count + _WORDS - 1) // _WORDS,), device=like.device, dtype=torch.int64
    )
    bits = words.view(torch.int16)[:count].view(like.shape)
    return bits < kept - LEVELS // 2


def inverted_mask(like: Tensor, p: float) -> Tensor:
    r"""What an inverted dropout multiplies by: 0 with probability p, else 1 / (1 - p).

    $m \in \{0, 1/(1-p)\}$, $E[m] = 1$, $Var[m] = p / (1 - p)$.

    **Shape**: any -> the same, in the dtype of `like`.

    Args:
        like: Gives shape, device and dtype.
        p: From 0 to 1; with 1 all is 0.

    >>> _ = torch.manual_seed(0)
    >>> sorted(set(inverted_mask(torch.empty(50), 0.5).tolist()))
    [0.0, 2.0]
    """
    kept = _kept_levels(p) / LEVELS if like.device.type == "cpu" else 1.0 - p
    if kept == 0.0:
        return torch.zeros_like(like)
    return keep_mask(like, p).to(like.dtype) * (1.0 / kept)


def _kept_levels(p: float) -> int:
    """How many of the values of a word keep an element: none only for p = 1, all only for p = 0."""
    if p in (0.0, 1.0):
        return 0 if p else LEVELS
    return min(LEVELS - 1, max(1, round((1.0 - p) * LEVELS)))
