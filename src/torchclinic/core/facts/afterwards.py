"""What is measured once a run has been watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class PredictionFacts:
    """What the trained model answers on the validation part, by class.

    Attributes:
        rows: Rows that were asked.
        counts: Class -> rows that belong to it.
        predicted: Class -> rows that the model takes for it.
        recalls: Class -> share of its rows that are recognised.
        confusion: (class that the model answers, class of the row) -> rows.
    """

    rows: int
    counts: Mapping[int, int]
    predicted: Mapping[int, int]
    recalls: Mapping[int, float]
    confusion: Mapping[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])


@dataclass(frozen=True)
class BreakFacts:
    """Where the first NaN or infinity of a run comes from.

    Attributes:
        step: Update at which it appears.
        where: In the forward pass of the model, in the loss, or only in the gradient.
        operation: Torch's name of the operation that makes it of finite numbers ("log", "sqrt").
        low: Smallest number that the operation is given (of a gradient: that comes back to it).
        high: Largest one.
        line: Line of the user's code that calls it, with its place; "" where it is not known.
        loss: The loss at that step, where it is finite.
    """

    step: int
    where: Literal["outputs", "loss", "gradient"]
    operation: str
    low: float | None = None
    high: float | None = None
    line: str = ""
    loss: float | None = None


@dataclass(frozen=True)
class RateTrialFacts:
    """The same training at another learning rate, over as many steps.

    Attributes:
        configured: Largest rate of the run that was watched.
        rate: The other one.
        steps: Updates of either.
        split: Rows on which the losses were measured.
        loss: At the configured rate.
        tried: At the other one.
        metric: The metric at the configured rate, None without one.
        tried_metric: At the other one.
    """

    configured: float
    rate: float
    steps: int
    split: Literal["train", "validation"]
    loss: float
    tried: float
    metric: float | None = None
    tried_metric: float | None = None


@dataclass(frozen=True)
class HalfTrialFacts:
    """The same training on one half of its rows, asked about the other half.

    Halves are the first and the last rows of the training part (of each class), so that rows that
    follow each other stay together; rows of the second half that are all but copies of rows of the
    first are left out.

    Attributes:
        rows: Rows of the second half that were asked about.
        validation_rows: Rows of the validation part, None if unknown.
        relation: Rank correlation of answers and targets on the second half, where those are one
            number a row.
        validation_relation: The same of that model on the validation part.
        predictions: What the model that learnt the first half answers on the second, where targets
            are classes.
        within: What a plain model that learns from a part of the validation rows knows of the
            others there, 0 for nothing and 1 for all; None where it could not be asked.
        within_z: The same in standard deviations of chance.
    """

    rows: int
    validation_rows: int | None = None
    relation: float | None = None
    validation_relation: float | None = None
    predictions: PredictionFacts | None = None
    within: float | None = None
    within_z: float | None = None


@dataclass(frozen=True)
class FewerRowsFacts:
    """The same training, as many steps long, on every second training row (of each class).

    Attributes:
        loss: On the validation part at its end.
        metric: The same, None without a metric.
        predictions: What it answers on the validation part, where targets are classes.
    """

    loss: float
    metric: float | None = None
    predictions: PredictionFacts | None = None
