"""The one training loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from torch import Tensor

from torchclinic.core import DataError, Recipe, TorchclinicError
from torchclinic.core.history import Ending
from torchclinic.data import Batches
from torchclinic.training.evaluations import Evaluations
from torchclinic.training.interrupt import DeferredInterrupt
from torchclinic.training.plan import Cadence
from torchclinic.training.progress import ProgressBar
from torchclinic.training.recorder import FLUSH_EVERY
from torchclinic.training.rng import RandomState
from torchclinic.training.run_state import RunState
from torchclinic.training.saver import Saver

OnStep = Callable[[int, Tensor], bool | None]


class Loop:
    """Makes updates until the training's budget, its early stopping or its divergence ends it.

    After each update, in this order: the weights enter their average, a schedule per step steps,
    the run is evaluated where that is due, every 25th update the losses are looked at (5
    consecutive non-finite ones end the run as diverged), the caller's `on_step` is called, a
    checkpoint is written where that is due.

    Args:
        recipe: What is trained.
        run: Its moving parts.
        train: Its data.
        evaluations: What is evaluated,
        cadence: and when.
        limit: Updates after which it ends, None for the recipe's epochs alone.

    Attributes:
        ending: Why it ended, None while it goes on.
    """

    def __init__(
        self,
        recipe: Recipe,
        run: RunState,
        train: Batches,
        evaluations: Evaluations,
        cadence: Cadence,
        limit: int | None,
    ) -> None:
        self._recipe = recipe
        self._run = run
        self._train = train
        self._evaluations = evaluations
        self._cadence = cadence
        self._limit = math.inf if limit is None else limit
        self._epochs = math.inf if recipe.epochs is None else recipe.epochs
        self._whole = True  # whether the state is that after a complete step
        self._bar: ProgressBar | None = None
        self._saver: Saver | None = None
        self._resume_random: RandomState | None = None
        self._on_step: OnStep | None = None
        self._interrupt = DeferredInterrupt()
        self.ending: Ending | None = None

    def attend(self, *, bar: ProgressBar | None, on_step: OnStep | None) -> None:
        """Tell these of each step."""
        self._bar, self._on_step = bar, on_step

    def keep(self, saver: Saver, interrupt: DeferredInterrupt) -> None:
        """Go on from the saver's checkpoint, if there is one, and write new ones."""
        self._saver, self._interrupt = saver, interrupt
        self._resume_random = saver.resume(self._run)

    def run(self) -> None:
        """Train to the end."""
        try:
            self._check_end()
            while self.ending is None:
                self._epoch()
            self._close()
        except KeyboardInterrupt:
            if self._saver is not None and self._whole:
                self._saver.save(self._run)
            raise

    def _epoch(self) -> None:
        run, schedule = self._run, self._run.schedule
        step_rate = schedule.scheduler.step if schedule is not None and schedule.per_step else None
        update, record, averages = run.update, run.record, run.averages
        for group in self._groups():
            loss = update(group)
            record(loss, len(group))
            if averages is not None:
                averages.update()
            if step_rate is not None:
                step_rate()
            self._after_step(loss)
            if self.ending is not None:
                return
        self._after_epoch()

    def _groups(self) -> Iterator[list[Any]]:
        """The batches of each update of the present epoch, from where the run stands."""
        run, size = self._run, self._recipe.accumulate
        batches = self._batches()
        for _ in islice(batches, run.batches):
            pass
        if self._resume_random is not None:
            self._resume_random.restore()
            self._resume_random = None
        while True:
            self._whole = False
            group = list(islice(batches, size))
            if not group:
                return
            yield group

    def _batches(self) -> Iterator[Any]:
        try:
            yield from self._train.epoch(self._run.generator)
        except TorchclinicError:
            raise
        except Exception as error:
            raise DataError(
                f"the training data raised {type(error).__name__} in epoch {self._run.epoch + 1}: "
                f"{error}",
                hint="iterate the data alone to see it happen",
            ) from error

    def _after_step(self, loss: Tensor) -> None:
        run, step = self._run, self._run.step
        if self._cadence.after_step(step):
            self._evaluate()
        if step % FLUSH_EVERY == 0:
            run.recorder.flush()
            run.diverged = run.recorder.diverged
        self._check_end()
        if self._bar is not None:
            self._bar.advance(step, next(reversed(run.recorder.losses), None))
        self._whole = True
        if self._on_step is not None and self._on_step(step, loss):
            self.ending = self.ending or "interrupted"
        self._after_whole_step()

    def _after_epoch(self) -> None:
        run = self._run
        if run.batches == 0:
            raise DataError(
                f"the training data delivered no batch in epoch {run.epoch + 1}",
                hint="it must have rows, and start anew each time it is iterated",
            )
        schedule = run.schedule
        if self._cadence.after_epoch(run.epoch + 1) or (schedule is not None and schedule.plateau):
            self._evaluate()
        if schedule is not None:
            schedule.after_epoch(self._plateau_value() if schedule.plateau else 0.0)
        run.next_epoch()
        self._check_end()
        self._whole = True
        self._after_whole_step()

    def _evaluate(self) -> None:
        self._evaluations.curve_point(self._run)

    def _plateau_value(self) -> float:
        """What ReduceLROnPlateau is given."""
        run = self._run
        newest = self._evaluations.curve_point(run) if self._evaluations.has_validation else None
        if newest is None:
            return run.mean_epoch_loss()
        if run.schedule is not None and run.schedule.wants_metric and newest.metric is not None:
            return newest.metric
        return newest.loss

    def _check_end(self) -> None:
        run = self._run
        if run.selection.stop:
            self.ending = "early-stopping"
        elif run.diverged:
            self.ending = "diverged"
        elif run.step >= self._limit or run.epoch >= self._epochs:
            self.ending = "budget"

    def _after_whole_step(self) -> None:
        if self._interrupt.requested:
            raise KeyboardInterrupt
        if self._saver is not None and self._saver.due(self._run.step):
            self._saver.save(self._run)

    def _close(self) -> None:
        """The last evaluation and the last checkpoint."""
        run = self._run
        run.recorder.flush()
        if run.step > 0:
            self._evaluate()
        if self.ending == "budget" and run.recorder.ends_nonfinite:
            self.ending = "diverged"
        if self._saver is not None:
            self._saver.save(run)
