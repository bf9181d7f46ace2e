"""The short, instrumented run that a diagnosis looks at."""

from __future__ import annotations

from dataclasses import dataclass

from torchclinic.clinic.threads import suited_threads
from torchclinic.core.history import Run
from torchclinic.core.recipe import Recipe
from torchclinic.engine.threads import single_thread
from torchclinic.training import planned_steps, train
from torchclinic.watch import WatchOptions

PROBE_STEPS = 12  # updates that tell how long one takes
READINGS = 128
UNKNOWN_STEPS = 1024
FEWEST_STEPS = 100  # a shorter curve shows nothing


@dataclass(frozen=True)
class WatchedRun:
    """A run and the share of the full training that it covers.

    Attributes:
        run: The run, with History and Trace.
        steps: Updates made.
        planned: Updates of the full training, None if unknown.
        step_seconds: Seconds an update takes on one thread.
    """

    run: Run
    steps: int
    planned: int | None
    step_seconds: float

    @property
    def complete(self) -> bool:
        """Whether the whole training was watched."""
        return self.planned is None or self.steps >= self.planned

    def describe(self) -> str:
        """One sentence for the diagnosis's notes."""
        if self.complete:
            return f"watched the whole training ({self.steps:,} steps)"
        assert self.planned is not None
        share = self.steps / self.planned
        return f"watched {self.steps:,} of {self.planned:,} steps ({share:.0%} of the training)"


def watch_run(
    recipe: Recipe, seed: int, *, share: float = 1.0, max_seconds: float = 60.0
) -> WatchedRun:
    """Train for `share` of the full training, at most about `max_seconds`, and watch.

    Args:
        recipe: What to train; its validation part, if any, is evaluated.
        seed: Of the run.
        share: Of the recipe's own number of updates, above 0 and at most 1.
        max_seconds: Cap on the time, by an estimate from the first updates.
    """
    planned = planned_steps(recipe)
    seconds = step_seconds(recipe, seed)
    allowed = max(int(max_seconds / seconds), PROBE_STEPS)
    steps = allowed if planned is None else min(allowed, max(round(planned * share), FEWEST_STEPS))
    if planned is not None:
        steps = min(steps, planned)
    with suited_threads(seconds):
        run = train(
            recipe,
            seed,
            max_steps=steps,
            watch=often(steps),
            evaluate_train=True,
            keep_model=True,
        )
    return WatchedRun(run, len(run.history.losses), planned, seconds)


def often(steps: int | None) -> WatchOptions:
    """Options for a run of our own: about 128 readings, however long it is.

    The overhead budget is for other people's time; silence is only believed on 512 rows, which
    takes 16 readings of batches of 32.
    """
    return WatchOptions(every=max(1, (steps or UNKNOWN_STEPS) // READINGS))


def step_seconds(recipe: Recipe, seed: int) -> float:
    """Seconds an update of this recipe takes on one thread, measured on a few."""
    with single_thread():
        history = train(recipe, seed, max_steps=PROBE_STEPS).history
    return max(history.seconds / max(len(history.losses), 1), 1e-6)
