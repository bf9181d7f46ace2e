"""EarlyStopping: when a run ends before its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torchclinic.core.options import check_options, whole

CRITERIA = ("patience", "generalisation-loss", "uninterrupted-rise")


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation loss (or metric) says that nothing is gained any more.

    Attributes:
        patience: With the criterion "patience": evaluations in a row without an improvement. With
            "uninterrupted-rise": strips in a row that each end higher than the one before.
        min_delta: By how much an evaluation must be better than the best to be an improvement.
        monitor: Whether the loss or the metric is looked at.
        restore_best: Whether the run ends with its best weights.
        criterion: "patience", or one of Prechelt's: "generalisation-loss" stops when the loss has
            risen by `threshold` percent above the lowest so far, "uninterrupted-rise" when it has
            risen in `patience` strips in a row.
        threshold: Percent, of the generalisation loss alone.
        strip: Evaluations in a strip, of the uninterrupted rise alone.

    Raises:
        RecipeError: For a senseless value.
    """

    patience: int = 5
    min_delta: float = 0.0
    monitor: Literal["loss", "metric"] = "loss"
    restore_best: bool = True
    criterion: Literal["patience", "generalisation-loss", "uninterrupted-rise"] = "patience"
    threshold: float = 5.0
    strip: int = 5

    def __post_init__(self) -> None:
        check_options(
            self,
            "early stopping",
            patience=(whole(self.patience), "a whole number of at least 1"),
            min_delta=(self.min_delta >= 0, "a number of at least 0"),
            criterion=(self.criterion in CRITERIA, f"one of {', '.join(CRITERIA)}"),
            threshold=(self.threshold > 0, "percent above 0; Prechelt tries 1 to 5"),
            strip=(whole(self.strip), "a whole number of at least 1; Prechelt takes 5"),
        )
