"""Failure: an experiment that raised, or whose process died."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass

from torchclinic.gallery.experiment import Experiment
from torchclinic.gallery.result import Result
from torchclinic.gallery.running import run_experiment
from torchclinic.gallery.settings import Settings


@dataclass(frozen=True)
class Failure:
    """An experiment that raised, or whose process died.

    Attributes:
        experiment: Which.
        error: Type and message.
        traceback: For those who look into it.
        seconds: Until it failed.
    """

    experiment: Experiment
    error: str
    traceback: str = ""
    seconds: float = 0.0


def attempt_experiment(experiment: Experiment, settings: Settings) -> Result | Failure:
    """Run an experiment; any exception but an interrupt becomes a Failure."""
    begun = time.perf_counter()
    try:
        return run_experiment(experiment, settings)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
        return Failure(
            experiment,
            f"{type(error).__name__}: {error}",
            traceback.format_exc(),
            time.perf_counter() - begun,
        )
