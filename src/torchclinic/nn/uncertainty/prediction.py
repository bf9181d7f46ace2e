"""Prediction: what a random model says about each row, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from torchclinic.core import UsageError
from torchclinic.nn.checks import one_of

SCORES = ("std", "entropy", "mutual_information")


@dataclass(frozen=True, eq=False)
class Prediction:
    r"""The distribution of a model's output for each row.

    For classes all statistics are of probabilities. With p the mean probabilities and $p_s$ those
    of draw s, the predictive entropy is $H(p)$ and the mutual information
    $H(p) - \frac{1}{S} \sum_s H(p_s)$: high where the draws are sure and contradict each other,
    which more data of that kind would cure, and low where the classes overlap.

    Attributes:
        task: "classification", "binary", "probabilities" or "regression".
        mean: (N, ...) mean over the draws.
        std: (N, ...) standard deviation over the draws (divisor S - 1; 0 for a single draw).
        levels: Of the quantiles, ascending.
        quantiles: (len(levels), N, ...).
        entropy: (N, ...) predictive entropy in nats without the class dimension; None for
            regression.
        mutual_information: Like it.
        samples: Number of draws S.
        method: How they were drawn: "nets", "batches", "repeat" or "loop".
        notes: What could not be switched on.
        draws: (S, N, ...) if they were asked for.

    Source: Gal and Ghahramani 2016, "Dropout as a Bayesian Approximation", arXiv 1506.02142; Gal
    2016, thesis, section 3.3, for the scores.
    """

    task: str
    mean: Tensor
    std: Tensor
    levels: tuple[float, ...]
    quantiles: Tensor
    entropy: Tensor | None
    mutual_information: Tensor | None
    samples: int
    method: str
    notes: tuple[str, ...] = ()
    draws: Tensor | None = None

    @property
    def labels(self) -> Tensor:
        """(N, ...) most probable class.

        Raises:
            UsageError: For regression.
        """
        if self.task == "regression":
            raise UsageError("a regression has no labels", hint="its prediction is `mean`")
        return (self.mean > 0.5).long() if self.task == "binary" else self.mean.argmax(1)

    @property
    def interval(self) -> tuple[Tensor, Tensor]:
        """The outermost quantiles, (N, ...) each."""
        return self.quantiles[0], self.quantiles[-1]

    def score(self, by: str | None = None) -> Tensor:
        """How uncertain each row is.

        Args:
            by: "std", "entropy" or "mutual_information" (not for regression); None for the mutual
                information, and for regression the standard deviation.

        Returns:
            (N,), averaged over whatever the output has besides rows and classes.

        Raises:
            UsageError: For another name, or a score that the task does not have.
        """
        default = "std" if self.task == "regression" else "mutual_information"
        values = getattr(self, one_of(by or default, SCORES, "by"))
        if values is None:
            raise UsageError(f"by is {by!r}", hint="a regression is ranked by 'std' alone")
        return values.reshape(len(values), -1).mean(1)

    def ranking(self, by: str | None = None) -> Tensor:
        """Rows from the most to the least uncertain, as candidates for anomalies.

        Args:
            by: As in `score`.

        Raises:
            UsageError: As `score`.
        """
        return torch.argsort(self.score(by), descending=True, stable=True)

    def __repr__(self) -> str:
        rows = len(self.mean)
        return f"Prediction({self.task}, {rows} rows, {self.samples} samples, {self.method})"
