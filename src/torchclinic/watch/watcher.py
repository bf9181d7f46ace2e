"""Watch: the context manager that a user holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from torchclinic.core.errors import ModelError, UsageError
from torchclinic.core.trace import Trace
from torchclinic.watch.assemble import build_trace
from torchclinic.watch.modules import unwrap
from torchclinic.watch.notes import summary
from torchclinic.watch.optimizers import Steppers
from torchclinic.watch.options import WatchOptions
from torchclinic.watch.session import Session
from torchclinic.watch.taps import TAPS


class Watch:
    """Watches a training from `start` (or the beginning of a with block) to `stop` (or its end).

    Args:
        model: The model that is trained; it may be wrapped for parallel training.
        optimizer: What updates it: an optimizer, several of which the first one's steps count, or
            None to count backward passes.
        options: How to watch.

    Raises:
        ModelError: `model` is no torch module.
        UsageError: The layers' globs find nothing, or `optimizer` is none.
    """

    def __init__(
        self, model: nn.Module, optimizer: Any = None, options: WatchOptions | None = None
    ) -> None:
        if not isinstance(model, nn.Module):
            raise ModelError(
                f"{type(model).__name__} is no torch.nn.Module", hint="give the model itself"
            )
        self.options = options or WatchOptions()
        self._steppers = Steppers.of(optimizer)
        self._model = unwrap(model)
        self._session = Session(self._model, self._steppers, self.options)
        self._handles: list[RemovableHandle] = []
        self._state = "new"
        self._trace: Trace | None = None

    def start(self) -> Self:
        """Begin; a second call does nothing."""
        if self._state == "stopped":
            raise UsageError("this watch has ended", hint="make a new one with watch(...)")
        if self._state == "new":
            self._attach()
        return self

    def stop(self) -> None:
        """End: all hooks are gone afterwards; a second call does nothing."""
        if self._state == "running":
            self._detach()
        if self._state != "stopped":
            self._state = "stopped"
            self._session.finish()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Look away for a while: inside, another model may train without being taken for this one.

        A forward and backward pass of the watched model must not be torn apart by it.
        """
        running = self._state == "running"
        if running:
            self._detach()
            self._state = "paused"
        try:
            yield
        finally:
            if self._state == "paused":
                self._attach()

    def _attach(self) -> None:
        self._state = "running"
        optimizer = self._steppers.first
        if optimizer is not None:
            self._handles = [
                optimizer.register_step_pre_hook(self._session.before_step),
                optimizer.register_step_post_hook(self._session.after_step),
            ]
        TAPS.add(self._session)
        self._session.start()

    def _detach(self) -> None:
        TAPS.remove(self._session)
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._session.pause()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def observe(self, loss: float | Tensor) -> None:
        """Say what the loss of the current step is, before its optimizer step.

        Needed only where the loss is not what `backward` is called on. After the first call no
        loss is taken from backward passes any more; several calls in one step add up.
        """
        self._session.losses.observed(loss)

    @property
    def trace(self) -> Trace:
        """All readings so far; when the watch has ended, always the same Trace."""
        if self._trace is not None:
            return self._trace
        trace = build_trace(self._session, self._steppers, self.options)
        if self._state == "stopped":
            self._trace = trace
        return trace

    def __str__(self) -> str:
        return summary(self.trace)


def watch(
    model: nn.Module,
    optimizer: Any = None,
    *,
    budget: float = 0.03,
    every: int | None = None,
    layers: Any = "*",
    statistics: Any = "all",
    loss: str | None = None,
) -> Watch:
    """Watch anybody's own training loop, which stays as it is.

    The watch reads activations, gradients, weights and updates by layer in some of the steps, as
    often as the budget allows, and the loss and learning rate in all of them. It changes no result:
    weights, gradients, buffers and random numbers are bitwise those of the training without it.

    Args:
        model: The model; wrapped for parallel training if it is.
        optimizer: Its optimizer. A list counts the first one's steps; None counts backward passes.
        budget: Share of the training's time that watching may cost.
        every: Read every so many steps, whatever that costs.
        layers: Globs over layer names, one string with commas or several; ! takes out again.
        statistics: "all", "cheap", or names of statistics.
        loss: Name of the loss, for the record.

    Returns:
        A Watch: a context manager with `trace` and `observe`.

    Raises:
        UsageError: An option that makes no sense.
        ModelError: `model` is no torch module.

    >>> import torch
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> with watch(model, optimizer, every=1) as watching:
    ...     for _ in range(3):
    ...         optimizer.zero_grad()
    ...         model(torch.ones(16, 4)).square().mean().backward()
    ...         _ = optimizer.step()
    >>> [layer.name for layer in watching.trace.layers], len(watching.trace.steps["loss"])
    (['0', '2'], 3)
    """
    options = WatchOptions(
        budget=budget, every=every, layers=layers, statistics=statistics, loss=loss
    )
    return Watch(model, optimizer, options)
