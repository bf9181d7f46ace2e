"""Experiments one after the other; one that fails does not stop the others."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from torchclinic.gallery.experiment import Experiment
from torchclinic.gallery.result import Result
from torchclinic.gallery.running import run_experiment
from torchclinic.gallery.settings import Settings


@dataclass(frozen=True)
class Failure:
    """An experiment that raised.

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


def run_all(
    experiments: Iterable[Experiment],
    settings: Settings,
    on_result: Callable[[Result | Failure], None] | None = None,
) -> list[Result | Failure]:
    """Run experiments and keep an index page of what is done up to date.

    Ctrl-C ends it with KeyboardInterrupt; what is done until then is on disk and in the index.

    Args:
        experiments: In this order.
        settings: For all of them.
        on_result: Called after each.

    Returns:
        A Result for each experiment, or a Failure for one that raised.
    """
    from torchclinic.gallery.page import write_index

    chosen = list(experiments)
    done: list[Result | Failure] = []
    for place, experiment in enumerate(chosen):
        done.append(_attempt(experiment, _share(settings, place, len(chosen), experiment.name)))
        write_index(done, settings.out)
        if on_result is not None:
            on_result(done[-1])
    return done


def _attempt(experiment: Experiment, settings: Settings) -> Result | Failure:
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


def _share(settings: Settings, place: int, total: int, name: str) -> Settings:
    def tell(share: float, what: str) -> None:
        settings.tell((place + share) / total, f"{name} ({place + 1} of {total}): {what}")

    return replace(settings, tell=tell)
