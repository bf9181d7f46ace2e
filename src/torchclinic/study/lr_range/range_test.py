"""lr_range_test: at which learning rates does this recipe learn, and where does it blow up?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from torchclinic.core import LRRange, Recipe, UsageError
from torchclinic.study.lr_range.curve import curve_of
from torchclinic.study.lr_range.limits import SLOWER, STEPS
from torchclinic.study.lr_range.suggest import suggest
from torchclinic.study.lr_range.sweep import Sweep, sweep

_FEWEST_STEPS = 20


def lr_range_test(
    recipe: Recipe,
    *,
    seeds: int | Sequence[int] = 3,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int | None = None,
    max_seconds: float | None = None,
) -> LRRange:
    """Train for a few updates at exponentially rising learning rates and read the loss.

    For each seed a fresh model sees one batch at each rate; the loss is measured on the next. The
    difficulty of each batch, known from the untrained model, is taken out, and the curve is
    smoothed without lag, averaged over the seeds and read by `suggest`. Where the loss hardly moves
    and nothing blows up, a test four times as slow follows. The recipe, its model and data, and the
    global generators are left as they were.

    Args:
        recipe: What is trained. Its schedule is not applied.
        seeds: How many, or which.
        low: First rate, of the first parameter group; other groups keep their ratio to it.
        high: Last rate.
        steps: Rates tried, with an update at each; None for 150, and 600 where these show nothing.
        max_seconds: No further seed is begun when it would, going by those before, pass this.

    Returns:
        The curve, its band over the seeds, the suggestions, or the reason why there is none.

    Raises:
        UsageError: When rates, steps or seeds make no sense.
        RecipeError: When the optimizer has no learning rate.
        ModelError, LossError, DataError: As the training would.

    Source:
        Smith, Cyclical Learning Rates, arXiv:1506.01186, section 3.3.

    >>> import torch
    >>> from functools import partial
    >>> x = torch.linspace(-1, 1, 64).reshape(-1, 1)
    >>> recipe = Recipe(model=partial(torch.nn.Linear, 1, 1), data=(x, 2 * x), steps=1,
    ...                 loss=torch.nn.MSELoss(), optimizer=partial(torch.optim.SGD, lr=1e-6))
    >>> found = lr_range_test(recipe)
    >>> 0.01 < found.suggestion < 1 < found.divergence, found.configured
    (True, 1e-06)
    """
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    count = STEPS if steps is None else steps
    _check(chosen, low, high, count)
    found, spent = _measured(recipe, chosen, np.geomspace(low, high, count).tolist(), max_seconds)
    flat = found.learning_rates and not found.suggestions and found.divergence is None
    time_left = math.inf if max_seconds is None else max_seconds - spent
    if steps is None and flat and SLOWER * spent <= time_left:
        rates = np.geomspace(low, high, SLOWER * count).tolist()
        found, _ = _measured(recipe, chosen, rates, max_seconds)
    return found


def _measured(
    recipe: Recipe, seeds: Sequence[int], rates: Sequence[float], max_seconds: float | None
) -> tuple[LRRange, float]:
    """One test over these rates, and what it took."""
    sweeps = list(_sweeps(recipe, seeds, rates, max_seconds))
    spent = sum(s.seconds for s in sweeps)
    configured = sweeps[0].configured
    if not all(math.isfinite(s.start) for s in sweeps):
        reason = "the loss of the untrained model is not finite"
        return LRRange(seeds=len(sweeps), configured=configured, reason=reason), spent
    curve = curve_of(sweeps, rates)
    found = suggest(curve.rates.tolist(), curve.mean.tolist(), curve.noise)
    result = LRRange(
        learning_rates=tuple(curve.rates.tolist()),
        losses=tuple(curve.mean.tolist()),
        low=tuple(curve.low.tolist()),
        high=tuple(curve.high.tolist()),
        suggestions=found.suggestions,
        divergence=found.divergence,
        seeds=len(sweeps),
        configured=configured,
        reason=found.reason,
    )
    return result, spent


def _sweeps(
    recipe: Recipe, seeds: Sequence[int], rates: Sequence[float], max_seconds: float | None
) -> Iterator[Sweep]:
    spent = 0.0
    for done, seed in enumerate(seeds):
        if max_seconds is not None and done and spent * (done + 1) / done > max_seconds:
            return
        result = sweep(recipe, seed, rates)
        spent += result.seconds
        yield result


def _check(seeds: Sequence[int], low: float, high: float, steps: int) -> None:
    if not seeds:
        raise UsageError("there are no seeds", hint="3 show how much the curves differ")
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"the seeds {list(seeds)} repeat", hint="each seed makes one curve")
    if not (0 < low < high < math.inf):
        raise UsageError(f"low is {low!r} and high is {high!r}", hint="0 < low < high")
    if steps < _FEWEST_STEPS:
        raise UsageError(f"steps is {steps!r}", hint=f"{_FEWEST_STEPS} or more; 150 is usual")
