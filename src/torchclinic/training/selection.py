"""Which weights a run ends with, and whether it ends early."""

from __future__ import annotations

import copy
import math
from typing import Any

from torch import Tensor, nn

from torchclinic.core import EarlyStopping, Recipe, RecipeError
from torchclinic.core.history import Evaluation, History, SplitName
from torchclinic.training.metrics import resolve_metric
from torchclinic.training.stopping import StoppingCriterion, stopping_criterion


class Selection:
    """Follows the validation evaluations of a run.

    Early stopping looks at what it monitors, by its criterion; `keep_best` alone goes by the
    metric, where there is one, else by the loss. A NaN is never an improvement.

    Args:
        recipe: With early stopping, keep_best or neither.
        model: Whose weights are kept.
        has_validation: Whether there is anything to follow.

    Attributes:
        best_step: Step of the best evaluation, None while nothing is kept.
        stop: Whether the criterion says so.

    Raises:
        RecipeError: If the recipe chooses but has no validation part, monitors a metric that it
            does not have, or wants percent of a metric that is to rise.
    """

    def __init__(self, recipe: Recipe, model: nn.Module, *, has_validation: bool) -> None:
        self._model = model
        self._stopping = recipe.early_stopping
        restore = self._stopping is not None and self._stopping.restore_best
        self._keeps = recipe.keep_best or restore
        self._follows = self._keeps or self._stopping is not None
        if self._follows and not has_validation:
            raise RecipeError(
                f"{'early stopping' if self._stopping else 'keep_best'} needs a validation part",
                hint="data=Splits(train=..., validation=...); torchclinic.data.split makes one",
            )
        metric = resolve_metric(recipe)
        by_metric = metric is not None
        if self._stopping is not None:
            by_metric = self._stopping.monitor == "metric"
        if by_metric and metric is None:
            raise RecipeError(
                "early stopping monitors the metric, and the recipe has none",
                hint="give metric=, or monitor='loss'",
            )
        self._by_metric = by_metric
        self._sign = 1.0 if metric is not None and by_metric and metric.higher_is_better else -1.0
        self._criterion = None if self._stopping is None else self._checked(self._stopping)
        self._best = -math.inf
        self._weights: dict[str, Any] | None = None
        self.best_step: int | None = None
        self.stop = False

    def follow(self, evaluation: Evaluation) -> None:
        """Look at a validation evaluation."""
        if not self._follows:
            return
        found = evaluation.metric if self._by_metric else evaluation.loss
        value = -math.inf if found is None or math.isnan(found) else self._sign * found
        margin = self._stopping.min_delta if self._stopping is not None else 0.0
        if value > self._best + margin:
            self._best = value
            self._keep(evaluation.step)
        if self._criterion is not None:
            self.stop = self._criterion(-value)

    def finish(self) -> None:
        """Put the best weights back into the model, if they are to be kept."""
        if self._weights is not None:
            self._model.load_state_dict(self._weights)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "best": self._best,
            "criterion": None if self._criterion is None else self._criterion.state(),
            "best_step": self.best_step,
            "stop": self.stop,
            "weights": self._weights,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._best = state["best"]
        if self._criterion is not None:
            self._criterion.restore(state["criterion"])
        self.best_step, self.stop = state["best_step"], state["stop"]
        self._weights = state["weights"]

    def _checked(self, stopping: EarlyStopping) -> StoppingCriterion:
        if stopping.criterion == "generalisation-loss" and self._sign > 0:
            raise RecipeError(
                "early stopping by the generalisation loss monitors a metric that is to rise",
                hint="it is a ratio of errors: monitor='loss', or criterion='patience'",
            )
        return stopping_criterion(stopping)

    def _keep(self, step: int) -> None:
        if self._keeps:
            self.best_step = step
            self._weights = {k: _copied(value) for k, value in self._model.state_dict().items()}


def kept_evaluation(history: History, split: SplitName) -> Evaluation | None:
    """The evaluation of the weights that a run ended with; None if there was none.

    With early stopping or `keep_best` that is the one at `best_step`, not the newest.

    >>> points = (Evaluation(10, "validation", 0.2), Evaluation(20, "validation", 0.5))
    >>> kept_evaluation(History(evaluations=points, best_step=10), "validation").loss
    0.2
    """
    if history.best_step is None:
        return history.last(split)
    found = (e for e in history.evaluations if e.split == split and e.step == history.best_step)
    return next(found, None)


def _copied(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else copy.deepcopy(value)
