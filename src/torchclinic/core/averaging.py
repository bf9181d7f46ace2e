"""Averaging: means of the weights along a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torchclinic.core.options import check_options, whole


@dataclass(frozen=True)
class Averaging:
    """Averages of the weights along the training, by which it is judged and with which it ends.

    Attributes:
        kind: "ema", the exponential moving average, or "swa", the plain mean.
        decay: Share of the moving average that an update keeps; of "ema" alone.
        start: Share of the planned updates after which averaging begins; None for 0 with "ema" and
            0.75 with "swa". Until then the run is judged by its own weights.
        every: Updates between two weights that enter; None for 1 with "ema" and for one epoch
            with "swa".
        batch_norm: Whether the statistics of BatchNorm layers are measured anew for the averaged
            weights, on training rows; else they are the run's own.

    Raises:
        RecipeError: For a senseless value.
    """

    kind: Literal["ema", "swa"] = "ema"
    decay: float = 0.999
    start: float | None = None
    every: int | None = None
    batch_norm: bool = True

    def __post_init__(self) -> None:
        begins = self.start is None or 0 <= self.start < 1
        check_options(
            self,
            "averaging",
            kind=(self.kind in ("ema", "swa"), "'ema' or 'swa'"),
            decay=(0 <= self.decay < 1, "at least 0 and below 1; 0.999 is usual"),
            start=(begins, "a share of the training: at least 0 and below 1, or None"),
            every=(
                self.every is None or whole(self.every),
                "a whole number of updates of at least 1, or None",
            ),
        )
