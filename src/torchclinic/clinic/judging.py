"""By what a repair is judged: the recipe's metric, or the one that its task suggests."""

from __future__ import annotations

from torchclinic.core.facts import RecipeFacts
from torchclinic.core.recipe import Recipe
from torchclinic.training import resolve_metric

TASK_METRICS = {"classification": "accuracy", "binary": "accuracy", "regression": "mse"}


def with_metric(recipe: Recipe, facts: RecipeFacts | None) -> Recipe:
    """The recipe with a metric that a change of loss cannot move, where the task is known.

    A remedy may replace the loss, so losses before and after need not be comparable.
    """
    if recipe.metric is not None or recipe.step is not None or facts is None:
        return recipe
    name = TASK_METRICS.get(facts.task)
    return recipe if name is None else recipe.replace(metric=name)


def judged_by(recipe: Recipe) -> tuple[str, bool]:
    """Name and direction of what the recipe's runs are judged by."""
    metric = resolve_metric(recipe)
    return ("loss", False) if metric is None else (metric.name, metric.higher_is_better)
