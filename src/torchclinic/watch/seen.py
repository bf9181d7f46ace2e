"""Seen: one call of a layer, as its hooks saw it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torchclinic.core.trace import OUTPUT_GRADIENT_RMS
from torchclinic.watch.target import Target
from torchclinic.watch.thin import LIMIT, thin, widen


class Seen:
    """One call of a layer.

    A small output is kept by reference, and torch itself keeps the gradient there, which is cheaper
    than a hook in Python. Where something writes into the output afterwards (an in-place
    activation), both would show what came after it; such an output is copied and its gradient
    taken by a hook. The output's version tells which it is.

    Args:
        target: The layer.
        training: Whether the model was in training mode.

    Attributes:
        sample: Its output, whole where that is small, else evenly spread elements of it.
        gradient: The same of the gradient at its output.
        maxima: Largest output of each unit, where it was taken at once.
        rows: Rows of the batch that these are over.
        node: What computed the output, for a bare parameter.
    """

    __slots__ = (
        "_output",
        "_retained",
        "_version",
        "gradient",
        "maxima",
        "node",
        "rows",
        "sample",
        "target",
        "training",
    )

    def __init__(self, target: Target, training: bool) -> None:
        self.target = target
        self.training = training
        self.sample: Tensor | None = None
        self.gradient: Tensor | None = None
        self.maxima: Tensor | None = None
        self.rows = 0
        self.node: Any = None
        self._output: Tensor | None = None
        self._retained = False
        self._version = 0

    def keep(self, output: Tensor, gradient: bool) -> None:
        """Keep a small output, and the gradient there if that is wanted."""
        self._output = output
        self._version = output._version
        if self.target.overwritten:
            self.sample = output.detach().clone()
            if gradient:
                output.register_hook(self.keep_gradient)
        elif gradient:
            output.retain_grad()
            self._retained = True

    def settle(self) -> None:
        """When the step is over: take over what was kept by reference, if it is as it was."""
        target, output = self.target, self._output
        target.calls = 0
        if output is not None:
            self._output = self.node = None
            target.overwritten = output._version != self._version
            if self.sample is None and not target.overwritten:
                self.sample = output  # whoever reads it does so without a graph
                if self._retained:
                    self.gradient = output.grad

    def keep_gradient(self, gradient: Tensor) -> None:
        """In the backward pass; a second pass through the same output adds to the first."""
        try:
            kept = gradient if gradient.numel() <= LIMIT else thin(gradient)
            if self.gradient is not None:
                kept = widen(self.gradient) + widen(kept.detach())
            self.gradient = kept
        except Exception as error:  # noqa: BLE001 - a watch never ends a training
            self.target.fail(OUTPUT_GRADIENT_RMS, error)
