"""Random masks, drawn cheaply: sixteen bits of the generator decide about an element."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 65536  # a 16-bit word: p is taken to the next multiple of 1/65536
_WORDS = 4  # 16-bit words in the 64 bits that the generator yields at a time
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


def keep_mask(like: Tensor, p: float) -> Tensor:
    """Which elements are kept, each of them independently with probability 1 - p.

    Out of one 64-bit random number come four elements, which is several times faster on the CPU
    than `bernoulli_`, the slowest part of `nn.Dropout` there. The probability is rounded to a
    multiple of 1/65536.

    **Shape**: any -> the same, bool.

    Args:
        like: Gives shape and device.
        p: Probability of dropping an element.

    >>> _ = torch.manual_seed(0)
    >>> share = keep_mask(torch.empty(100, 1000), 0.25).float().mean().item()
    >>> round(share, 2)
    0.75
    """
    count = like.numel()
    words = torch.randint(
        _LOWEST, _HIGHEST, ((count + _WORDS - 1) // _WORDS,), device=like.device, dtype=torch.int64
    )
    bits = words.view(torch.int16)[:count].view(like.shape)
    return bits < _kept_levels(p) - LEVELS // 2


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
    kept = _kept_levels(p)
    if kept == 0:
        return torch.zeros_like(like)
    return keep_mask(like, p).to(like.dtype) * (LEVELS / kept)


def _kept_levels(p: float) -> int:
    """How many of the values of a word keep an element: none only for p = 1, all but one at most.

    The caller has no mask for p = 0.
    """
    if p >= 1.0:
        return 0
    return min(LEVELS - 1, max(1, round((1.0 - p) * LEVELS)))
