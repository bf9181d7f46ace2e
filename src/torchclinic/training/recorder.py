"""Collects the curves of a run: cheap at each step, bounded in memory."""

from __future__ import annotations

import math
from array import array
from typing import Any

import torch
from torch import Tensor

from torchclinic.core.history import Evaluation, SplitName

FLUSH_EVERY = 25  # steps whose losses are read back together
DIVERGED_AFTER = 5  # consecutive non-finite losses from which no training comes back


class Recorder:
    """Losses, learning rates, gradient norms and evaluations of a run.

    Losses stay tensors until `flush`, so that a step never waits for the device.

    >>> recorder = Recorder()
    >>> for loss in (1.0, 0.5):
    ...     recorder.add(torch.tensor(loss), 0.1, None)
    >>> recorder.flush()
    >>> list(recorder.losses), recorder.steps
    ([1.0, 0.5], 2)
    """

    def __init__(self) -> None:
        self.losses = array("d")
        self.learning_rates = array("d")
        self.gradient_norms = array("d")
        self.evaluations: list[Evaluation] = []
        self._losses: list[Tensor] = []
        self._norms: list[Tensor] = []
        self._nonfinite = 0

    @property
    def steps(self) -> int:
        """Updates recorded."""
        return len(self.learning_rates)

    @property
    def diverged(self) -> bool:
        """Whether the last losses, as far as flushed, are all non-finite."""
        return self._nonfinite >= DIVERGED_AFTER

    @property
    def ends_nonfinite(self) -> bool:
        """Whether the last loss, as far as flushed, is NaN or infinite."""
        return self._nonfinite > 0

    def add(self, loss: Tensor, learning_rate: float, norm: Tensor | None) -> None:
        """Record a step."""
        self._losses.append(loss)
        self.learning_rates.append(learning_rate)
        if norm is not None:
            self._norms.append(norm)

    def evaluated(
        self, step: int, split: SplitName, loss: float, metric: float | None
    ) -> Evaluation:
        """Record an evaluation."""
        evaluation = Evaluation(step, split, loss, metric)
        self.evaluations.append(evaluation)
        return evaluation

    def flush(self) -> None:
        """Read back what is pending."""
        values = _read(self._losses)
        self.losses.extend(values)
        self.gradient_norms.extend(_read(self._norms))
        self._losses, self._norms = [], []
        for value in values:
            self._nonfinite = 0 if math.isfinite(value) else self._nonfinite + 1

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        self.flush()
        return {
            "losses": _packed(self.losses),
            "learning_rates": _packed(self.learning_rates),
            "gradient_norms": _packed(self.gradient_norms),
            "evaluations": [[e.step, e.split, e.loss, e.metric] for e in self.evaluations],
            "nonfinite": self._nonfinite,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.losses = _unpacked(state["losses"])
        self.learning_rates = _unpacked(state["learning_rates"])
        self.gradient_norms = _unpacked(state["gradient_norms"])
        self.evaluations = [Evaluation(*values) for values in state["evaluations"]]
        self._losses, self._norms = [], []
        self._nonfinite = state["nonfinite"]


def _read(values: list[Tensor]) -> list[float]:
    if not values:
        return []
    if len({value.dtype for value in values}) == 1:
        return torch.stack(values).double().tolist()
    return [float(value) for value in values]


def _packed(values: array[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _unpacked(values: Tensor) -> array[float]:
    return array("d", values.tolist())
