"""ScipyMethod: what the searches of scipy.optimize have in common."""

from __future__ import annotations

import abc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchclinic.optim.derivative_free.conversation import Conversation, Evaluate
from torchclinic.optim.derivative_free.method import Method

LARGEST = 1e100  # stands for infinity, which scipy cannot subtract
FOREVER = sys.maxsize  # the budget is the caller's, not scipy's


class ScipyMethod(Method):
    """A search of scipy, which wants to call the objective by itself, run as a conversation."""

    _talk: Conversation | None = None

    @abc.abstractmethod
    def _search(self) -> Callable[[Evaluate], str]:
        """A function that searches; it may not refer to `self`, which it would keep alive."""

    def _generation(self) -> Tensor | None:
        if self._talk is None:
            self._talk = Conversation(self._search())
        points = self._talk.question()
        if points is None:
            self.finished = self._talk.ended
            return None
        return torch.from_numpy(np.array(points, dtype=np.float64))

    def _digest(self, points: Tensor, values: Tensor) -> None:  # noqa: ARG002 - scipy has its own
        if self._talk is not None:
            self._talk.answer(values.clamp(max=LARGEST).numpy())

    def close(self) -> None:
        """End scipy's search and its thread."""
        if self._talk is not None:
            self._talk.close()
        super().close()

    def _box(self) -> list[tuple[float, float]] | None:
        if self.bounds is None:
            return None
        low, high = (side.tolist() for side in self.bounds)
        return list(zip(low, high, strict=True))

    def _first(self) -> np.ndarray:
        return self.start.cpu().double().numpy()


def one_by_one(
    name: str, first: np.ndarray, box: Any, options: dict[str, Any]
) -> Callable[[Evaluate], str]:
    """A search of `scipy.optimize.minimize`, which evaluates single points."""

    def search(evaluate: Evaluate) -> str:
        from scipy.optimize import minimize

        def objective(x: np.ndarray) -> float:
            return float(evaluate(x[None])[0])

        return str(minimize(objective, first, method=name, bounds=box, options=options).message)

    return search
