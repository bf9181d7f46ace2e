"""By what a repair is judged: the recipe's metric, or the one that its task suggests."""

from __future__ import annotations

from torchclinic.core.facts import BatchFacts, Case, RecipeFacts
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


def chance(metric: str, case: Case) -> float | None:
    """What a model that knows only the targets' distribution scores; None if unknown.

    It stands for a run that diverged, which reached no score of its own.
    """
    batch = case.batch
    if batch is None:
        return None
    if metric == "accuracy":
        return _largest_class(batch)
    if metric == "mse":
        return None if batch.targets.std is None else batch.targets.std**2
    if metric == "r2":
        return 0.0
    return batch.expected_loss if metric == "loss" else None


def _largest_class(batch: BatchFacts) -> float | None:
    counts = batch.targets.class_counts
    return max(counts.values()) / sum(counts.values()) if counts else None
