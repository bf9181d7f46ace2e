"""OneBatchFacts: a model that can learn at all can learn sixteen rows by heart."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer

from torchclinic.clinic.preflight.loss.errors_counted import countable_error
from torchclinic.clinic.preflight.loss.loss_listener import LossListener
from torchclinic.clinic.preflight.observing import main_loss, written_by_hand
from torchclinic.clinic.preflight.plain_model import build_plain
from torchclinic.clinic.preflight.quiet import WithoutDropout, quieten
from torchclinic.clinic.preflight.sampling import finite_rows, repeated, sample_of, thinned
from torchclinic.core.errors import ModelError
from torchclinic.core.facts import OneBatchFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data import batch_to, rows_of
from torchclinic.training import build_optimizer, loss_kind, preserved, seeded
from torchclinic.training.batch import first_tensor, split_batch
from torchclinic.training.objective import OUTPUT_KEYS, Objective
from torchclinic.training.update import Update

ROWS = 16
MAX_STEPS = 400
FAIR_STEPS = 150  # fewer updates are no chance
FAIR_TRIES = 3  # so many fair tries must fail before the model is blamed
PASSED = 0.05  # TheDeepChecker: error above 5 % fails
LOOK_EVERY = 10
MAX_SECONDS = 2.0  # for all tries
WAITING = 6.0  # times as long may pass by the clock, where other programs want the processor too

Build = Callable[[nn.Module], Optimizer]


@dataclass(frozen=True)
class _Try:
    name: str
    first: float
    loss: float
    error: float | None
    steps: int
    countable: bool

    @property
    def undecided(self) -> bool:
        """Whether another try may tell more."""
        return self.countable and not (self.error is not None and self.error < PASSED)


class _Clock:
    """Seconds of this thread's work that may be spent."""

    def __init__(self, seconds: float) -> None:
        self._end = time.thread_time() + seconds
        self._latest = time.perf_counter() + WAITING * seconds

    @property
    def over(self) -> bool:
        return time.thread_time() > self._end or time.perf_counter() > self._latest

    def share(self, parts: int) -> _Clock:
        """A clock for one of the parts into which what is left is divided."""
        return _Clock(max(self._end - time.thread_time(), 0.0) / parts)


def one_batch_facts(
    recipe: Recipe, seed: int = 0, *, max_seconds: float = MAX_SECONDS, sample: Any = None
) -> OneBatchFacts | None:
    """Try to overfit one batch with the recipe's optimizer and with three others.

    Dropout, penalties and weight decay are off; batch normalisation works as in training. Each
    try gets an equal share of the time that is left, and the first that succeeds ends it.

    Args:
        recipe: The recipe.
        seed: Of the models.
        max_seconds: For all tries together, in seconds of this thread's own work, so that a busy
            machine does not change the answer.
        sample: Rows of the training data, where the caller has drawn them already.

    Returns:
        The facts; None when there was no fair chance (too slow, a task without a countable error).

    Raises:
        ModelError, LossError, DataError: As the training would.
    """
    with preserved():
        rows = sample_of(recipe, recipe.splits.train, ROWS) if sample is None else sample
        batch = batch_to(thinned(finite_rows(rows), ROWS), recipe.device)
    clock = _Clock(max_seconds)
    builders = _builders(recipe)
    tries: list[_Try] = []
    for place, (name, build) in enumerate(builders):
        share = clock.share(len(builders) - place)
        with seeded(seed):
            tries.append(_attempt(recipe, seed, name, build, batch, share))
        if clock.over or not tries[-1].undecided:
            break
    return _conclude(tries, rows_of(batch) or ROWS)


def _conclude(tries: Sequence[_Try], rows: int) -> OneBatchFacts | None:
    errors = [attempt.error for attempt in tries if attempt.error is not None]
    best = min(errors, default=math.nan)
    fair = sum(attempt.steps >= FAIR_STEPS for attempt in tries)
    if not best < PASSED and (not math.isfinite(best) or fair < FAIR_TRIES):
        return None
    return OneBatchFacts(
        rows=rows,
        steps=max(attempt.steps for attempt in tries),
        initial_loss=tries[0].first,
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

    def adam(rate: float) -> Build:
        return lambda model: Adam(_trainable(model), lr=rate, fused=_fusible(model))

    def momentum(model: nn.Module) -> Optimizer:
        return SGD(_trainable(model), lr=0.05, momentum=0.9, fused=_fusible(model))

    return [
        ("as configured", own),
        ("Adam 1e-3", adam(1e-3)),
        ("Adam 1e-2", adam(1e-2)),
        ("SGD 0.05, momentum 0.9", momentum),
    ]


def _trainable(model: nn.Module) -> list[nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


def _fusible(model: nn.Module) -> bool:
    return all(p.dtype in (torch.float32, torch.float64) for p in _trainable(model))


def _attempt(recipe: Recipe, seed: int, name: str, build: Build, batch: Any, clock: _Clock) -> _Try:
    model = build_plain(recipe, seed)
    quieten(model)
    update = Update(recipe.replace(penalties=()), model, build(model))
    objective = Objective(recipe, model)
    batch, quiet = _accepted(recipe, objective, batch)
    first, lowest, best, error, steps = math.nan, math.inf, None, None, 0
    for steps in range(MAX_STEPS + 1):
        if steps % LOOK_EVERY == 0:
            with quiet(), torch.no_grad():
                value, error = _look(recipe, objective, batch)
            first = value if steps == 0 else first
            lowest = min(lowest, value) if math.isfinite(value) else lowest
            best = _smaller(best, error)
            ended = not math.isfinite(value) or (best is not None and best < PASSED)
            if error is None or ended or steps == MAX_STEPS or clock.over:
                break
        with quiet():
            update([batch])
    return _Try(name, first, lowest, best, steps, countable=error is not None)


def _accepted(
    recipe: Recipe, objective: Objective, batch: Any
) -> tuple[Any, Callable[[], AbstractContextManager[Any]]]:
    """A batch of a size that the model takes, and what keeps functional dropout off."""
    sizes = (None, recipe.batch_size)
    for size in sizes:
        tried = batch if size is None else repeated(batch, size)
        try:
            with WithoutDropout() as quiet, torch.no_grad():
                objective(tried)
        except ModelError:
            if size is not None or recipe.batch_size is None:
                raise
        else:
            return tried, WithoutDropout if quiet.needed else nullcontext
    raise AssertionError(sizes)


def _smaller(best: float | None, error: float | None) -> float | None:
    if error is None or not math.isfinite(error):
        return best
    return error if best is None else min(best, error)


def _look(recipe: Recipe, objective: Objective, batch: Any) -> tuple[float, float | None]:
    """Loss and error on the batch."""
    with LossListener() as listener:
        loss, outputs = objective(batch)
    heard, kind = main_loss(listener), loss_kind(recipe.loss)
    if heard is not None and heard.target is not None:
        kind = heard.kind if kind == "custom" else kind
        return float(loss), countable_error(heard.output, heard.target, kind, heard.ignored)
    output, target = first_tensor(outputs, OUTPUT_KEYS), first_tensor(split_batch(batch)[1])
    if output is None or target is None:
        return float(loss), None
    if kind == "custom":
        kind, _ = written_by_hand(recipe, output, target)
    return float(loss), countable_error(output, target, kind)
