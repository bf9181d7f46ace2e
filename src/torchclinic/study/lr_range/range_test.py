"""lr_range_test: at which learning rates does this recipe learn, and where does it blow up?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np

from torchclinic.core import LRRange, Recipe, UsageError
from torchclinic.engine import EngineName
from torchclinic.study.lr_range.curve import curve_of, curve_of_ends, start_of
from torchclinic.study.lr_range.fresh import fresh_sweeps
from torchclinic.study.lr_range.limits import FRESH_RATES, SLOWER, STEPS
from torchclinic.study.lr_range.loop_sweep import fresh_loop, sweep_loop
from torchclinic.study.lr_range.suggest import suggest_from
from torchclinic.study.lr_range.sweep import Sweep, sweep
from torchclinic.study.lr_range.training_loop import TrainingLoop

_FEWEST_STEPS = {"ramp": 20, "fresh": 5}
Method = Literal["ramp", "fresh"]


def lr_range_test(  # noqa: PLR0913 - everything after the subject is optional and by name
    subject: Recipe | TrainingLoop,
    *,
    method: Method = "ramp",
    seeds: int | Sequence[int] = 3,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int | None = None,
    updates: int | None = None,
    max_seconds: float | None = None,
    engine: EngineName = "stacked",
) -> LRRange:
    """Train for a little at rising learning rates and read the loss.

    "ramp": for each seed one model sees one batch at each rate; the loss is measured on the next.
    The difficulty of each batch, known from the untrained model, is taken out, and the curve is
    smoothed without lag, averaged over the seeds and read by `suggest`. Where the loss hardly moves
    and nothing blows up, a test four times as slow follows.

    "fresh": for each seed and rate a fresh model is trained for an epoch, all as one study; the
    loss is that of a fixed sample of training rows afterwards. It takes as many epochs as there
    are rates and seeds, and shows what a rate does in the long run, where the ramp shows what it
    does to a model that lower rates have trained already.

    Recipe or loop, model, optimizer, data and the global generators are left as they were.

    Args:
        subject: What is trained. A Recipe's schedule is not applied. A `TrainingLoop` of one's own
            starts each sweep from the weights it has; its seeds differ in data order and noise.
        method: "ramp" or "fresh".
        seeds: How many, or which.
        low: First rate, of the first parameter group; other groups keep their ratio to it.
        high: Last rate.
        steps: Rates tried. None for 25 with "fresh", and with "ramp" for 150 and then 600 where
            these show nothing.
        updates: Of each rate with "fresh"; None for one epoch.
        max_seconds: No further seed is begun when it would, going by those before, pass this.
        engine: What executes the runs of "fresh" on a Recipe, as for `run_arms`.

    Returns:
        The curve, its band over the seeds, the suggestions, or the reason why there is none.

    Raises:
        UsageError: When rates, steps, seeds or method make no sense.
        RecipeError: When the optimizer has no learning rate.
        TrainingError: When no run of "fresh" came to its end.
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
    if not isinstance(subject, Recipe | TrainingLoop):
        raise UsageError(
            f"a range test of a {type(subject).__name__}",
            hint="give a Recipe, or TrainingLoop(model, optimizer, loader, loss=...)",
        )
    if method == "fresh":
        count = FRESH_RATES if steps is None else steps
        rates = _rates(chosen, low, high, count, method)
        return _fresh(subject, chosen, rates, updates, max_seconds, engine)
    if updates is not None:
        raise UsageError(f"updates is {updates!r}", hint="a ramp makes one at each rate")
    count = STEPS if steps is None else steps
    rates = _rates(chosen, low, high, count, method)
    found, spent = _measured(subject, chosen, rates, max_seconds)
    flat = found.learning_rates and not found.suggestions and found.divergence is None
    time_left = math.inf if max_seconds is None else max_seconds - spent
    if steps is None and flat and SLOWER * spent <= time_left:
        slower = _rates(chosen, low, high, SLOWER * count, method)
        found, _ = _measured(subject, chosen, slower, max_seconds)
    return found


def _fresh(
    subject: Recipe | TrainingLoop,
    seeds: Sequence[int],
    rates: Sequence[float],
    updates: int | None,
    max_seconds: float | None,
    engine: EngineName,
) -> LRRange:
    if updates is not None and updates < 1:
        raise UsageError(f"updates is {updates!r}", hint="1 or more, or None for one epoch")
    if isinstance(subject, Recipe):
        limits: dict[str, Any] = {"updates": updates, "max_seconds": max_seconds}
        sweeps = fresh_sweeps(subject, seeds, rates, engine=engine, **limits)
    else:
        sweep_of = partial(fresh_loop, subject, rates=rates, updates=updates)
        sweeps = list(_sweeps(sweep_of, seeds, max_seconds))
    return _read(sweeps, rates, "fresh")


def _measured(
    subject: Recipe | TrainingLoop,
    seeds: Sequence[int],
    rates: Sequence[float],
    max_seconds: float | None,
) -> tuple[LRRange, float]:
    """One ramp over these rates, and what it took."""
    one: Callable[..., Sweep] = sweep if isinstance(subject, Recipe) else sweep_loop
    sweeps = list(_sweeps(partial(one, subject, rates=rates), seeds, max_seconds))
    return _read(sweeps, rates, "ramp"), sum(s.seconds for s in sweeps)


def _read(sweeps: Sequence[Sweep], rates: Sequence[float], method: Method) -> LRRange:
    configured = sweeps[0].configured
    if not all(math.isfinite(s.start) for s in sweeps):
        reason = "the loss of the untrained model is not finite"
        return LRRange(seeds=len(sweeps), configured=configured, reason=reason, method=method)
    curve = curve_of(sweeps, rates) if method == "ramp" else curve_of_ends(sweeps, rates)
    untrained = float(np.mean([start_of(sweep) for sweep in sweeps]))
    found = suggest_from(curve.rates.tolist(), curve.mean.tolist(), curve.noise, untrained)
    return LRRange(
        learning_rates=tuple(curve.rates.tolist()),
        losses=tuple(curve.mean.tolist()),
        low=tuple(curve.low.tolist()),
        high=tuple(curve.high.tolist()),
        suggestions=found.suggestions,
        divergence=found.divergence,
        seeds=len(sweeps),
        configured=configured,
        reason=found.reason,
        bounds=found.bounds,
        method=method,
    )


def _sweeps(
    sweep_of: Callable[..., Sweep], seeds: Sequence[int], max_seconds: float | None
) -> Iterator[Sweep]:
    spent = 0.0
    for done, seed in enumerate(seeds):
        if max_seconds is not None and done and spent * (done + 1) / done > max_seconds:
            return
        result = sweep_of(seed=seed)
        spent += result.seconds
        yield result


def _rates(
    seeds: Sequence[int], low: float, high: float, steps: int, method: Method
) -> list[float]:
    """The rates, if the call makes sense."""
    if method not in _FEWEST_STEPS:
        raise UsageError(f"there is no method {method!r}", hint="'ramp' or 'fresh'")
    if not seeds:
        raise UsageError("there are no seeds", hint="3 show how much the curves differ")
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"the seeds {list(seeds)} repeat", hint="each seed makes one curve")
    if not (0 < low < high < math.inf):
        raise UsageError(f"low is {low!r} and high is {high!r}", hint="0 < low < high")
    if steps < _FEWEST_STEPS[method]:
        usual = STEPS if method == "ramp" else FRESH_RATES
        hint = f"{_FEWEST_STEPS[method]} or more; {usual} is usual"
        raise UsageError(f"steps is {steps!r}", hint=hint)
    return np.geomspace(low, high, steps).tolist()
