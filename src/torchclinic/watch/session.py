"""Session: what a watch does at each event of a training."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from torch import Tensor, nn

from torchclinic.watch.cadence import Cadence
from torchclinic.watch.losses import Losses
from torchclinic.watch.optimizers import Steppers
from torchclinic.watch.options import WatchOptions
from torchclinic.watch.recording import Recording
from torchclinic.watch.step_series import StepSeries


class Session:
    """Knows which step is to be read, and counts steps, losses and time.

    A step that is not read costs one hook of the optimizer, one of the backward pass, and a few
    numbers in lists.

    Args:
        model: The unwrapped model.
        steppers: Who ends a step.
        options: How to watch.
    """

    def __init__(self, model: nn.Module, steppers: Steppers, options: WatchOptions) -> None:
        self.recording = Recording(model, steppers, options)
        self.cadence = Cadence(options.budget, options.every)
        self.losses = Losses()
        self.series = StepSeries(options.max_readings)
        self.step = 0
        self.skipped = 0
        self._by_backward = steppers.first is None
        self._wanted = False
        self._next = 1
        self._backwards = 0
        self._scale: Tensor | None = None
        self._times: list[float] = []  # of bare steps: when their last hook began and ended
        self._ended: float | None = None
        self._inside = 0.0

    def start(self) -> None:
        """Get ready for the next step."""
        self._ended = None
        self._plan()

    def pause(self) -> None:
        """End the reading that is open and take all hooks away."""
        if self.recording.is_open:
            self.recording.after_update()
        self._account()
        self.recording.disarm()
        self._wanted = False

    def finish(self) -> None:
        """Read what is still held."""
        self._read_held()

    def failed(self, error: Exception) -> None:
        """One of the events raised: read no more."""
        self.recording.fail(error)

    def before_backward(self, root: Any, scale: Tensor | None) -> Callable[[], None] | None:
        """A backward pass begins; what is returned is called when it has ended."""
        self.losses.back_propagated(root, scale)
        self._backwards += 1
        if not self._wanted and not self._by_backward:
            return None
        if self._by_backward and self.recording.is_open:
            start = perf_counter()
            self.recording.after_update()  # what changed since the pass before
            self._inside += perf_counter() - start
        self._scale = scale
        self.recording.capture.in_backward = True
        return self._after_backward

    def scaler_updated(self) -> None:
        """A GradScaler has ended an iteration; if no step came before, it skipped it."""
        if self._backwards and not self._by_backward:
            self._backwards = 0
            self.skipped += 1
            self.losses.take()
            self.recording.capture.take()

    def before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """The optimizer begins."""
        if self._wanted:
            start = perf_counter()
            closure = _closure(args, kwargs)
            scales = None if closure else (self._scale, getattr(optimizer, "grad_scale", None))
            self.recording.before_update(self.step + 1, scales)
            self._inside += perf_counter() - start

    def after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """The optimizer has ended."""
        start = perf_counter()
        closure = (len(args) > 1 or bool(kwargs)) and _closure(args, kwargs)
        if self._wanted:
            if closure:
                self.recording.gradients()
            self.recording.after_update()
        rates = [group.get("lr") for group in optimizer.param_groups]
        self._end(start, self.losses.take(closure), rates)

    def _after_backward(self) -> None:
        """A backward pass has ended; without an optimizer, that is a step."""
        self.recording.capture.in_backward = False
        if self._by_backward:
            start = perf_counter()
            if self._wanted:
                self.recording.before_update(self.step + 1, (self._scale, self._scale))
            self._end(start, self.losses.take(), ())

    def _end(self, start: float, loss: float | Tensor | None, rates: Any) -> None:
        """A step has ended; `start` is when the hook that ends it began."""
        self.step = step = self.step + 1
        self._backwards = 0
        self.series.add(step, loss, rates)
        if self._wanted:
            self._read(start)
        else:
            self._times += (start, perf_counter())
            if step + 1 < self._next:
                return
            self._account()
        now = perf_counter()
        self._plan()
        self._ended = perf_counter()
        self._inside = self._ended - now

    def _read(self, start: float) -> None:
        """A step that was read has ended."""
        now = perf_counter()
        interval = None if self._ended is None else now - self._ended
        inside = self._inside + now - start + self.recording.seconds()
        self.cadence.read(interval, inside)
        if self.recording.full:
            self._read_held()

    def _plan(self) -> None:
        """Decide about the step that comes."""
        wanted = self.cadence.is_due(self.step + 1)
        if not wanted:
            self._next = self.cadence.next_reading(self.step)
        if wanted != self._wanted:
            if wanted:
                self.recording.arm()
            else:
                self.recording.disarm()
        self._wanted = wanted

    def _read_held(self) -> None:
        start = perf_counter()
        readings = self.recording.read_held()
        if readings:
            self.cadence.read_later(perf_counter() - start, readings)

    def _account(self) -> None:
        """Tell the cadence of the bare steps since it was last told."""
        times, self._times = self._times, []
        ended = self._ended
        steps: list[tuple[float | None, float]] = []
        for start, end in zip(times[::2], times[1::2], strict=True):
            steps.append((None if ended is None else end - ended, end - start))
            ended = end
        if steps:
            self.cadence.bare(steps)
            self._ended = ended


def _closure(args: Any, kwargs: Any) -> bool:
    """Whether the optimizer was given a closure; `args` begins with the optimizer itself."""
    return (args[1] if len(args) > 1 else kwargs.get("closure")) is not None
