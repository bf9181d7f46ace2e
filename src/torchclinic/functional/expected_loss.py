"""Losses that follow from the labels alone: constant predictions, uniform guesses, floors."""

from __future__ import annotations

import math
from collections.abc import Iterable


def label_entropy(counts: Iterable[int]) -> float:
    r"""Cross-entropy of the best constant prediction, $H(y) = -\sum_c p_c \ln p_c$.

    Args:
        counts: Rows of each class; classes without rows may be left out.

    Units: nats.

    Source: Karpathy 2019, "A Recipe for Training Neural Networks" ("verify loss @ init").

    >>> round(label_entropy([50, 50]), 4)
    0.6931
    """
    present = [count for count in counts if count > 0]
    total = sum(present)
    return -sum(c / total * math.log(c / total) for c in present) + 0.0 if total else 0.0


def uniform_loss(classes: int) -> float:
    """Cross-entropy of guessing all classes alike, ln C.

    >>> round(uniform_loss(10), 4)
    2.3026
    """
    return math.log(classes) if classes > 0 else 0.0


def softmax_floor(classes: int) -> float:
    r"""Smallest cross-entropy when probabilities are given in place of scores: $\ln(1+(C-1)/e)$.

    The scores then lie in [0, 1] and sum to 1; the best of them is a one-hot row.

    >>> round(softmax_floor(10), 4)
    1.4612
    """
    return math.log1p((classes - 1) / math.e) if classes > 0 else 0.0


def sigmoid_floor(positive_share: float) -> float:
    r"""Smallest mean BCE-with-logits when probabilities in [0, 1] are given in place of scores.

    $p\,\ln(1+e^{-1}) + (1-p)\,\ln 2$: 0.313 for a positive row, 0.693 for a negative one.

    >>> round(sigmoid_floor(0.5), 4)
    0.5032
    """
    share = min(max(positive_share, 0.0), 1.0)
    return share * math.log1p(math.exp(-1.0)) + (1.0 - share) * math.log(2.0)


def bounded_score_floor(classes: int, low: float, high: float) -> float:
    r"""Smallest cross-entropy when every score lies in [low, high]: $\ln(1+(C-1)e^{-(high-low)})$.

    >>> round(bounded_score_floor(10, -1.0, 1.0), 4)
    0.7966
    """
    return math.log1p((classes - 1) * math.exp(-(high - low))) if classes > 0 else 0.0


def majority_share(counts: Iterable[int]) -> float:
    """Accuracy of always naming the most frequent class; 0 without rows.

    >>> majority_share([30, 10])
    0.75
    """
    present = list(counts)
    total = sum(present)
    return max(present) / total if total else 0.0
