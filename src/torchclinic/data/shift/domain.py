"""Can a classifier tell two samples apart? Its AUC, with an interval."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from torchclinic.core import UsageError

Floats = NDArray[np.float64]
TREES, RATE = 30, 0.15  # of the boosting: enough for what matters, seconds and not minutes


class Auc(NamedTuple):
    """Area under the ROC curve, and the standard error of it."""

    value: float
    error: float


def delong_auc(positive: Floats, negative: Floats) -> Auc:
    r"""AUC of scores and its standard error.

    $\hat\theta = \frac{1}{mn} \sum_{ij} \psi(x_i, y_j)$ with $\psi$ 1, 1/2 or 0 for a score above,
    equal to or below; its variance is $s_{10}^2 / m + s_{01}^2 / n$ of the two samples' placements.

    **Shape**: (m,) and (n,).

    Source: DeLong, DeLong and Clarke-Pearson 1988, doi 10.2307/2531595; by ranks as in Sun and Xu
    2014, doi 10.1109/LSP.2014.2337313.

    >>> delong_auc(np.array([0.9, 0.6]), np.array([0.1, 0.7])).value
    0.75
    """
    from scipy.stats import rankdata

    m, n = positive.size, negative.size
    together = rankdata(np.concatenate([positive, negative]))
    placed_positive = (together[:m] - rankdata(positive)) / n
    placed_negative = 1 - (together[m:] - rankdata(negative)) / m
    variance = _variance(placed_positive) / m + _variance(placed_negative) / n
    return Auc(float(placed_positive.mean()), math.sqrt(variance))


def domain_auc(
    first: Floats, second: Floats, *, folds: int, seed: int, classifier: Any = None
) -> Auc:
    """AUC with which a classifier tells rows of the second sample from rows of the first.

    The classifier is fitted on all folds but one and scores that one, and the AUC is the mean of
    the folds'. As their training rows overlap, its variance is that of one fold times
    1/K + 1/(K - 1) instead of 1/K.

    **Shape**: (rows, features) each.

    Args:
        first: One sample.
        second: The other.
        folds: Parts of the cross-validation, at least 2.
        seed: Of the folds and of the classifier.
        classifier: With scikit-learn's `fit` and `predict_proba`; None for boosted trees.

    Raises:
        UsageError: If there are too few rows for so many folds.

    Source: Nadeau and Bengio 2003, "Inference for the Generalization Error", equation 9,
    doi 10.1023/A:1024068626366.
    """
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold

    if folds < 2 or min(len(first), len(second)) < 2 * folds:
        raise UsageError(
            f"{folds} folds of {len(first)} and {len(second)} rows",
            hint="at least 2 folds, and two rows of each data set in each",
        )
    rows = np.concatenate([first, second])
    labels = np.repeat([0, 1], [len(first), len(second)])
    model: Any = _boosted_trees(seed) if classifier is None else classifier
    found: list[Auc] = []
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for fitted, judged in splitter.split(rows, labels):
        fresh: Any = clone(model)
        scores = fresh.fit(rows[fitted], labels[fitted]).predict_proba(rows[judged])[:, 1]
        found.append(delong_auc(scores[labels[judged] == 1], scores[labels[judged] == 0]))
    variance = float(np.mean([auc.error**2 for auc in found]))
    error = math.sqrt(variance * (1 / folds + 1 / (folds - 1)))
    return Auc(float(np.mean([auc.value for auc in found])), error)


def _boosted_trees(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    make: Any = HistGradientBoostingClassifier
    options = {"max_leaf_nodes": 8, "early_stopping": False, "random_state": seed}
    return make(max_iter=TREES, learning_rate=RATE, **options)


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1)) if values.size > 1 else 0.0
