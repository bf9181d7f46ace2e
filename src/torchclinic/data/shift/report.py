"""Covariate shift between two data sets, checked three ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from torchclinic.core import DataError, UsageError
from torchclinic.data.augment.targets import parts_of
from torchclinic.data.batches import batches
from torchclinic.data.shift.domain import domain_auc
from torchclinic.data.shift.features import FeatureShift, compare_features
from torchclinic.data.structure import tensors_of

CONFIDENCE = 0.95  # of the AUC's interval; and 1 - CONFIDENCE is the level of the tests
MOST_ROWS = 2000  # of each data set: a shift that more rows are needed to see is a small one
FOLDS = 5
SHOWN = 5  # features in the text


@dataclass(frozen=True)
class ShiftReport:
    """How the inputs of two data sets differ.

    Attributes:
        features: One a feature, in order.
        auc: Area under the ROC curve of a classifier that tells the data sets apart; 0.5 is chance.
        auc_low: Lower end of its interval.
        auc_high: Upper end.
        rows: Rows of both that were looked at.
        confidence: Of the interval; features are tested at the level 1 - confidence.
    """

    features: tuple[FeatureShift, ...]
    auc: float
    auc_low: float
    auc_high: float
    rows: tuple[int, int]
    confidence: float = CONFIDENCE

    @property
    def shifted_features(self) -> tuple[FeatureShift, ...]:
        """Those whose distributions differ beyond chance, the most different first."""
        found = [f for f in self.features if f.adjusted < 1 - self.confidence]
        return tuple(sorted(found, key=lambda feature: -feature.ks))

    @property
    def shifted(self) -> bool:
        """Whether a feature differs beyond chance, or the classifier can tell the two apart."""
        return bool(self.shifted_features) or self.auc_low > 0.5

    def __str__(self) -> str:
        found = self.shifted_features
        word = "Covariate shift" if self.shifted else "No covariate shift found"
        interval = f"{self.confidence:.0%} interval {self.auc_low:.3f} to {self.auc_high:.3f}"
        share = f"{len(found)} of {len(self.features)} features"
        lines = [
            f"{word} ({self.rows[0]} against {self.rows[1]} rows)",
            f"  a classifier tells them apart with an AUC of {self.auc:.3f} ({interval})",
            f"  {share} differ beyond chance (Kolmogorov-Smirnov, Holm)",
        ]
        lines += [
            f"    {f.name}: standardised difference {f.difference:+.2f}, "
            f"KS {f.ks:.2f}, p {f.adjusted:.2g}"
            for f in found[:SHOWN]
        ]
        return "\n".join(lines)


def covariate_shift(
    first: Any,
    second: Any,
    *,
    names: Sequence[str] | None = None,
    rows: int = MOST_ROWS,
    folds: int = FOLDS,
    confidence: float = CONFIDENCE,
    classifier: Any = None,
    seed: int = 0,
) -> ShiftReport:
    """Compare the inputs of two data sets: feature by feature, and all at once.

    Standardised differences and Kolmogorov-Smirnov tests see a shift of single features. A
    classifier that is trained to tell the data sets apart also sees one of their combination.

    Args:
        first: Anything that `batches` takes, such as the training part; targets are left aside.
        second: The other one.
        names: Of the features; None numbers them. Rows of more dimensions are flattened.
        rows: Of each that are looked at, spread over the data.
        folds: Of the classifier's cross-validation.
        confidence: Of the AUC's interval; 1 less it is the level of the tests.
        classifier: With scikit-learn's `fit` and `predict_proba`; None for boosted trees.
        seed: Of folds and classifier; the global generators are not touched.

    Returns:
        The report; print it for a summary.

    Raises:
        DataError: If the inputs have no or different features.
        UsageError: If an option makes no sense.

    Source: Rabanser, Guennemann and Lipton 2019, "Failing Loudly: An Empirical Study of Methods
    for Detecting Dataset Shift", arXiv 1810.11953; Lopez-Paz and Oquab 2017, "Revisiting
    Classifier Two-Sample Tests", arXiv 1610.06545.

    >>> import torch
    >>> generator = torch.Generator().manual_seed(0)
    >>> a, b = torch.randn(2, 200, 3, generator=generator)
    >>> covariate_shift(a, b).shifted, covariate_shift(a, b + torch.tensor([2.0, 0, 0])).shifted
    (False, True)
    """
    if not 0 < confidence < 1 or rows < 1:
        raise UsageError(
            f"confidence is {confidence!r} and rows is {rows!r}",
            hint="a confidence between 0 and 1 and at least one row",
        )
    tables = _inputs(first, rows), _inputs(second, rows)
    count = tables[0].shape[1]
    if count != tables[1].shape[1]:
        raise DataError(
            f"rows of {count} values cannot be compared with rows of {tables[1].shape[1]}",
            hint="both data sets need the same features",
        )
    names = [str(number) for number in range(count)] if names is None else list(names)
    if len(names) != count:
        raise UsageError(f"{len(names)} names for {count} features", hint="one a feature")
    features = compare_features(*tables, names)
    auc = domain_auc(*tables, folds=folds, seed=seed, classifier=classifier)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * auc.error
    low, high = max(auc.value - reach, 0.0), min(auc.value + reach, 1.0)
    return ShiftReport(features, auc.value, low, high, (len(tables[0]), len(tables[1])), confidence)


def _inputs(source: Any, rows: int) -> NDArray[np.float64]:
    """The inputs of up to so many rows, one row of numbers each."""
    batch = batches(source).sample(rows)
    inputs = batch if isinstance(batch, Tensor) else parts_of(batch)[0]
    found = [tensor.flatten(1) if tensor.dim() > 1 else tensor[:, None] for tensor in _real(inputs)]
    return np.concatenate([tensor.detach().cpu().double().numpy() for tensor in found], axis=1)


def _real(inputs: Any) -> list[Tensor]:
    found = [tensor for tensor in tensors_of(inputs) if tensor.dim() > 0]
    if not found or any(tensor.is_complex() or not tensor[0].numel() for tensor in found):
        raise DataError("the inputs hold no features to compare", hint="give numbers, rows first")
    return found
