"""OneBatchFacts: a model that can learn at all can learn sixteen rows by heart."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from torchclinic.clinic.preflight.observing import observe
from torchclinic.clinic.preflight.sampling import finite_rows, sample_of
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import LossKind, OneBatchFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data import batch_to
from torchclinic.training import build_model, build_optimizer, compute_loss, preserved, seeded

ROWS = 16
MAX_STEPS = 400
FAIR_STEPS = 150  # fewer updates are no chance
PASSED = 0.05  # TheDeepChecker: error above 5 % fails
LOOK_EVERY = 10

Build = Callable[[nn.Module], Optimizer]


@dataclass(frozen=True)
class _Try:
    name: str
    loss: float
    error: float | None
    steps: int


def one_batch_facts(
    recipe: Recipe, seed: int = 0, *, max_seconds: float = 1.5
) -> OneBatchFacts | None:
    """Try to overfit one batch with the recipe's optimizer and with three others.

    Dropout, penalties and weight decay are off; batch normalisation works as in training.

    Args:
        recipe: The recipe.
        seed: Of the models.
        max_seconds: For all tries together.

    Returns:
        The facts; None when there was no fair chance (too slow, a task without a countable error).

    Raises:
        ModelError, LossError, DataError: As the training would.
    """
    with preserved():
        batch = batch_to(finite_rows(sample_of(recipe, recipe.splits.train, ROWS)), recipe.device)
    tries: list[_Try] = []
    first = math.nan
    deadline = time.perf_counter() + max_seconds
    for name, build in _builders(recipe):
        with seeded(seed):
            model = build_model(recipe, seed)
            _quieten(model)
            first, done = _attempt(recipe, model, build(model), batch, deadline)
        tries.append(_Try(name, *done))
        if done[1] is not None and done[1] < PASSED:
            break
        if time.perf_counter() > deadline:
            break
    return _conclude(tries, first, batch)


def _conclude(tries: Sequence[_Try], first: float, batch: Any) -> OneBatchFacts | None:
    errors = [attempt.error for attempt in tries if attempt.error is not None]
    if not errors:
        return None
    best = min(errors)
    fair = sum(attempt.steps >= FAIR_STEPS for attempt in tries)
    if best >= PASSED and fair < 3:
        return None
    from torchclinic.data.structure import rows_of

    return OneBatchFacts(
        rows=rows_of(batch) or ROWS,
        steps=max(attempt.steps for attempt in tries),
        initial_loss=first,
        best_losses=tuple((attempt.name, attempt.loss) for attempt in tries),
        best_error=best,
        passed=best < PASSED,
    )


def _builders(recipe: Recipe) -> list[tuple[str, Build]]:
    def own(model: nn.Module) -> Optimizer:
        optimizer = build_optimizer(recipe, model)
        for group in optimizer.param_groups:
            if "weight_decay" in group:
                group["weight_decay"] = 0.0
        return optimizer

    return [
        ("as configured", own),
        ("Adam 1e-3", lambda model: Adam(_trainable(model), lr=1e-3)),
        ("Adam 1e-2", lambda model: Adam(_trainable(model), lr=1e-2)),
        ("SGD 0.05, momentum 0.9", lambda m: SGD(_trainable(m), lr=0.05, momentum=0.9)),
    ]


def _trainable(model: nn.Module) -> list[nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


def _quieten(model: nn.Module) -> None:
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()


def _attempt(
    recipe: Recipe, model: nn.Module, optimizer: Optimizer, batch: Any, deadline: float
) -> tuple[float, tuple[float, float | None, int]]:
    first, best_loss, best_error, steps = math.nan, math.inf, None, 0
    for steps in range(1, MAX_STEPS + 1):
        look = steps == 1 or steps % LOOK_EVERY == 0
        if look:
            error, value = _error(recipe, model, batch)
            first = value if steps == 1 else first
            best_loss = min(best_loss, value)
            if error is not None:
                best_error = error if best_error is None else min(best_error, error)
            if (best_error is not None and best_error < PASSED) or not math.isfinite(value):
                break
            if time.perf_counter() > deadline:
                break
        optimizer.zero_grad(set_to_none=True)
        loss, _ = compute_loss(recipe, model, batch)
        if not loss.requires_grad:
            break
        loss.backward()
        optimizer.step(None)
    return first, (best_loss, best_error, steps)


def _error(recipe: Recipe, model: nn.Module, batch: Any) -> tuple[float | None, float]:
    try:
        with torch.no_grad():
            seen = observe(recipe, model, batch)
    except TorchclinicError:
        raise
    value = float(seen.loss)
    if seen.output is None or seen.target is None:
        return None, value
    return countable_error(seen.output.detach(), seen.target, seen.kind), value


def countable_error(output: Tensor, target: Tensor, kind: LossKind) -> float | None:
    """Share of wrong rows, or squared error over the variance of the targets.

    >>> countable_error(torch.tensor([[2.0, 1.0]]), torch.tensor([1]), "cross-entropy")
    1.0
    """
    if kind in ("cross-entropy", "nll"):
        classes = target if not target.is_floating_point() else target.argmax(1)
        return float((output.argmax(1) != classes).float().mean())
    if kind in ("bce", "bce-with-logits") and output.shape == target.shape:
        border = 0.5 if kind == "bce" else 0.0
        return float(((output > border) != (target > 0.5)).float().mean())
    if kind in ("mse", "l1", "huber") and output.shape == target.shape:
        spread = float(target.float().var(correction=0))
        if spread <= 0:
            return None
        return float((output - target).float().square().mean()) / spread
    return None
