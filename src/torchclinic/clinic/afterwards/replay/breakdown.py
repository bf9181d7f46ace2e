"""breakdown(): the run once more, up to the operation that makes its first NaN or infinity."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.clinic.afterwards.replay.wild_gradient import WildGradient
from torchclinic.clinic.afterwards.replay.wild_number import WildNumber
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import BreakFacts
from torchclinic.core.history import History
from torchclinic.core.recipe import Recipe
from torchclinic.core.splits import Splits
from torchclinic.training import compute_loss, train

MOST_STEPS = 2000  # a later break is not replayed


def breakdown(recipe: Recipe, seed: int, history: History) -> BreakFacts | None:
    """Where the first non-finite number of a run comes from.

    The run is made once more, without evaluations. At the step whose loss is not finite every
    operation is looked at; at the step before, whose gradient may have spoiled the weights while
    its loss was still finite, every gradient.

    Args:
        recipe: As it was run.
        seed: As it was run.
        history: Of that run.

    Returns:
        The operation; None where all losses are finite, where the break does not come again, or
        where no operation on finite numbers made it.
    """
    step = next((i + 1 for i, x in enumerate(history.losses) if not math.isfinite(x)), None)
    if step is None or step > MOST_STEPS:
        return None
    replay = _Replay(recipe, step)
    try:
        train(replay.recipe, seed, max_steps=step, on_step=replay.on_step)
    except TorchclinicError:
        return None
    return replay.found


class _Replay:
    """A recipe whose step looks at what it computes, near the end."""

    def __init__(self, recipe: Recipe, last: int) -> None:
        self.found: BreakFacts | None = None
        self._own = recipe
        self._last = last
        self._done = 0
        self.recipe = recipe.replace(
            loss=None,
            step=self._step,
            data=Splits(train=recipe.splits.train),
            metric=None,
            early_stopping=None,
            keep_best=False,
        )

    def on_step(self, step: int, loss: Tensor) -> bool:  # noqa: ARG002 - a loop's signature
        """Count; stop when the break is found."""
        self._done = step
        return self.found is not None

    def _step(self, model: nn.Module, batch: Any) -> Tensor:
        now = self._done + 1
        if self.found is not None or not model.training or now < self._last - 1:
            return compute_loss(self._own, model, batch)[0]
        return self._looked_at(model, batch, now)

    def _looked_at(self, model: nn.Module, batch: Any, now: int) -> Tensor:
        with WildNumber() as watch, torch.autograd.set_detect_anomaly(True, check_nan=False):
            loss = compute_loss(self._own, model, batch)[0]
        value = float(loss.detach())
        if not math.isfinite(value):
            if watch.found is not None:
                name, low, high, line = watch.found
                inside = "outputs" if watch.in_module else "loss"
                self.found = BreakFacts(now, inside, name, low, high, line)
        elif loss.requires_grad:
            wild = WildGradient(loss).of([p for p in model.parameters() if p.requires_grad])
            if wild is not None:
                name, low, high, line = wild
                self.found = BreakFacts(now, "gradient", name, low, high, line, value)
        return loss
