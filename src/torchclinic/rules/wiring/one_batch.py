"""WIR104: the model cannot even learn one batch by heart."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import Case, OneBatchFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.initial import is_norm
from torchclinic.rules.knowing import as_good_as_neighbours
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class CannotOverfitOneBatch(Rule):
    """The model cannot learn one small batch by heart.

    ## What it does
    Reads the outcome of a test that trains a copy on at most 16 rows, without regularisation, at
    several learning rates, until its error is below 5 %.

    ## Why is this bad?
    A sound model of any useful size can memorise 16 rows. If it cannot at any learning rate, then
    neither the amount of data nor the learning rate is at fault: the loss, the wiring, the
    initialisation or the capacity is.

    ## Known problems
    Rows that are equal but have different labels, and deliberately tiny models, fail too. A
    training that learns well is not reported.

    ## Example
    `nn.Sequential(nn.Linear(64, 10), nn.Softmax(1))  # with nn.CrossEntropyLoss()`

    ## Use instead
    `nn.Sequential(nn.Linear(64, 10))`

    ## References
    Karpathy 2019, "A Recipe for Training Neural Networks" (overfit one batch); TheDeepChecker
    (Ben Braiek & Khomh 2023).
    """

    code = "WIR104"
    name = "cannot-overfit-one-batch"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.CURVE  # a symptom, however early it is seen: any cause outranks it
    needs = frozenset({"one_batch"})
    explains = ("CRV101", "CRV104")
    remedies = ("reinitialise", "match-loss", "remove-output-activation", "relu-activations")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where every try failed and the training does not learn well either."""
        assert case.one_batch is not None
        test, state = case.one_batch, state_of(case)
        clear = test.best_error is None or test.best_error >= t.ONE_BATCH_CLEAR
        excused = state.fine and not (clear and _underfits(state))
        if test.passed or excused or _single_layer(case) or as_good_as_neighbours(case):
            return
        gained = _gained(test)
        level = gated(state, 2 if clear else 1) if state.poor else Level.WARNING
        yield self.finding(
            level,
            f"cannot learn {test.rows} rows by heart: {_result(test)}",
            f"A copy of the model was trained on {test.rows} rows for {test.steps} steps at "
            f"{len(test.best_losses)} learning rates, and the best try still ends with "
            f"{_result(test)}. So the cause lies in loss, wiring, initialisation or capacity, not "
            "in the amount of data.",
            (
                *(
                    (above("error on one batch", test.best_error, t.ONE_BATCH_ERROR),)
                    if test.best_error is not None and test.best_error > t.ONE_BATCH_ERROR
                    else ()
                ),
                *(() if gained is None else (fact("share of its initial loss removed", gained),)),
                fact("rows of the batch", test.rows),
                *learning_evidence(state),
            ),
            confidence=confidence(test.best_error or 1.0, t.ONE_BATCH_ERROR, 1),
            explains=self.explains if clear else (),
        )


def _underfits(state: LearningState) -> bool:
    """Much of the loss is left, on its own rows and on others alike."""
    removed, unseen = state.removed or 0.0, state.validation_removed
    return removed < t.UNDERFIT and (unseen is None or removed - unseen < t.UNDERFIT_GAP)


def _single_layer(case: Case) -> bool:
    """A model with one weighted layer cannot learn any rows by heart, and need not."""
    layers = case.recipe.model.layers if case.recipe is not None else ()
    return 0 < sum(not is_norm(layer.kind) for layer in layers) < 2


def _gained(test: OneBatchFacts) -> float | None:
    losses = [loss for _, loss in test.best_losses]
    if not losses or not test.initial_loss > 0:
        return None
    return 1.0 - min(losses) / test.initial_loss


def _result(test: OneBatchFacts) -> str:
    if test.best_error is not None and math.isfinite(test.best_error):
        return f"an error of {percent(test.best_error)}"
    return f"a loss of {number(min((loss for _, loss in test.best_losses), default=float('nan')))}"
