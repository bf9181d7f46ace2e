"""LOS107: a loss that is negative and runs away."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import BatchFacts, Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.curves import loss_series
from torchclinic.functional.expected_loss import label_entropy
from torchclinic.functional.learning import LearningState
from torchclinic.functional.robust import finite
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.grading import state_of
from torchclinic.rules.initial import classes_out
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, times


@register
class FlippedLoss(Rule):
    """The loss has the wrong sign, so that training makes the model worse.

    ## What it does
    Fires where the loss is negative and grows in size without end, starts at minus what blind
    guessing costs, or falls while the metric is below chance. A loss that starts above zero needs
    two of these signs.

    ## Why is this bad?
    Gradient descent lowers the loss. With a flipped sign it raises the error, without any limit:
    weights, scores and gradients grow until they overflow.

    ## Known problems
    Some losses are rightly negative (a log-likelihood of densities, a cosine similarity): these
    are bounded or start elsewhere, and are not reported unless a second sign agrees.

    ## Example
    `loss = (log_probs * one_hot).sum(1).mean()`

    ## Use instead
    `loss = -(log_probs * one_hot).sum(1).mean()`

    ## References
    AUTOTRAINER (Zhang et al. 2021), improper loss (negative values); Karpathy 2019.
    """

    code = "LOS107"
    name = "flipped-loss"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.WIRING
    any_of = ("history", "trace")
    explains = ("LOS105", "LOS109", "INI103", *NUMERICS, *LEARNING_CURVES, "CRV103")
    remedies = ("match-loss",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding when at least one sign beside the negative loss agrees."""
        losses = finite(loss_series(case).values)
        first = case.batch.initial_loss if case.batch is not None else None
        if not losses:
            return
        start = losses[0] if first is None else first
        if not losses[-1] < 0:
            return
        state = state_of(case)
        signs = list(_signs(case, state, start, losses))
        if len(signs) < (1 if start < 0 else 2):
            return
        yield self.finding(
            Level.ERROR if len(signs) >= 2 else Level.WARNING,
            f"the loss falls below zero, from {number(start)} to {number(losses[-1])}",
            f"The loss starts at {number(start)} and reaches {number(losses[-1])}. "
            f"{_reading(signs[0])} A loss whose sign is flipped falls while the model gets worse.",
            (fact("initial loss", start), fact("last loss", losses[-1]), *signs),
            steps=(1, state.steps),
            confidence=min(0.6 + 0.15 * len(signs), 0.97),
        )


def _signs(
    case: Case, state: LearningState, start: float, losses: list[float]
) -> Iterable[Evidence]:
    expected = _blind_loss(case.batch) if case.batch is not None else None
    if expected is not None and start < 0:
        distance = abs(-start - expected) / expected
        if distance < t.FLIP_MATCH:
            yield below("distance of -loss from that of guessing", distance, t.FLIP_MATCH)
    growth = -min(losses) / max(abs(start), expected or 0.0, 1e-9)
    if growth > t.RUNAWAY and min(losses) < -1:
        yield above("growth of the negative loss", growth, t.RUNAWAY)
    if state.skill is not None and state.skill < 0:
        limit = t.Threshold(0.0, "chance", "accuracy of the majority class, R2 of the mean")
        yield below("metric, rescaled so that 0 is chance", state.skill, limit)


def _blind_loss(batch: BatchFacts) -> float | None:
    targets = batch.targets
    if targets.class_counts:
        entropy = label_entropy(targets.class_counts.values())
        return max(entropy, math.log(max(classes_out(batch) or 2, 2)))
    if targets.mean is not None and targets.std is not None:
        return targets.mean**2 + targets.std**2 or None
    return None


def _reading(sign: Evidence) -> str:
    if "growth" in sign.statistic:
        return f"It grew {times(sign.value)} in size, without a limit."
    if "distance" in sign.statistic:
        return "Its start is minus what blind guessing costs."
    return "The metric is worse than chance."
