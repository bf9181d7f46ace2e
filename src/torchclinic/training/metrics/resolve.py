"""A recipe's metric, by name, as a Metric or as a function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from torchclinic.core import Metric, Recipe, RecipeError
from torchclinic.training.metrics.accumulator import Accumulator, Joined
from torchclinic.training.metrics.accuracy import Accuracy
from torchclinic.training.metrics.mean_squared_error import MeanSquaredError
from torchclinic.training.metrics.r_squared import RSquared


class _Known(NamedTuple):
    make: Callable[[Recipe], Accumulator]
    higher_is_better: bool


METRICS: dict[str, _Known] = {
    "accuracy": _Known(Accuracy, higher_is_better=True),
    "mse": _Known(MeanSquaredError, higher_is_better=False),
    "r2": _Known(RSquared, higher_is_better=True),
}


def resolve_metric(recipe: Recipe) -> Metric | None:
    """The recipe's metric as a `Metric`; None where the loss judges.

    A bare function is named after itself, and higher is better: give a `Metric` to say otherwise.

    Args:
        recipe: Whose metric it is; its loss tells how accuracy reads the outputs.

    Raises:
        RecipeError: On an unknown name, or something that cannot be called.

    >>> recipe = Recipe(model=list, data=[], loss=min, optimizer=list, steps=1, metric="mse")
    >>> resolve_metric(recipe).higher_is_better
    False
    """
    metric = recipe.metric
    if metric is None or isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        known = _look_up(metric)
        whole = partial(_over_whole_split, known.make, recipe)
        return Metric(metric, whole, higher_is_better=known.higher_is_better)
    if callable(metric):
        inner = getattr(metric, "func", metric)
        return Metric(getattr(inner, "__name__", type(inner).__name__), metric)
    raise RecipeError(
        f"metric is {metric!r:.60} of type {type(metric).__name__}",
        hint=f"one of {_names()}, a Metric, or function(outputs, targets) -> number",
    )


def metric_accumulator(recipe: Recipe) -> Accumulator | None:
    """A fresh accumulator of the recipe's metric; None where the loss judges.

    Raises:
        RecipeError: As `resolve_metric`.
    """
    if isinstance(recipe.metric, str):
        return _look_up(recipe.metric).make(recipe)
    metric = resolve_metric(recipe)
    return None if metric is None else Joined(metric.function, metric.name)


def _over_whole_split(
    make: Callable[[Recipe], Accumulator], recipe: Recipe, outputs: Any, targets: Any
) -> float:
    accumulator = make(recipe)
    accumulator.update(outputs, targets)
    return accumulator.value()


def _look_up(name: str) -> _Known:
    if name not in METRICS:
        raise RecipeError(
            f"there is no metric {name!r}",
            hint=f"known: {_names()}; or give a function(outputs, targets) -> number",
        )
    return METRICS[name]


def _names() -> str:
    return ", ".join(METRICS)
