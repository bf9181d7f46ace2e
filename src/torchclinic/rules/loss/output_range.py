"""LOS104: an output activation that cannot give what the loss asks for."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import Case, TargetFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.expected_loss import bounded_score_floor
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import exact, gated, state_of
from torchclinic.rules.initial import VALUE_LOSSES, scores_a_row
from torchclinic.rules.outputs import (
    PROBABILITIES,
    RANGES,
    loss_kind,
    output_activation,
    outputs_of,
    single_column,
)
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class OutputRange(Rule):
    """The output activation cannot give the values that the targets or the loss ask for.

    ## What it does
    Compares the range of the last non-linearity with the range of regression targets; finds a
    softmax over a single output, a softmax where the labels of a row do not sum to 1, a ReLU, tanh
    or similar before a loss that takes scores, and an output that is 0 for every row.

    ## Why is this bad?
    A ReLU cannot give a negative target and a tanh none above 1: these rows keep their error
    for ever. A ReLU that is 0 for all rows passes no gradient, so nothing trains. The outputs of
    a softmax share a sum of 1: where a row has three labels none of them gets above a third, and
    a row without any label cannot be told.

    ## Known problems
    Targets that barely leave the range are only mentioned.

    ## Example
    `nn.Sequential(body, nn.Linear(64, 1), nn.ReLU())  # targets in [-3, 3]`

    ## Use instead
    `nn.Sequential(body, nn.Linear(64, 1))`

    ## References
    DeepDiagnosis (Wardat et al. 2022), out of range; NeuraLint (Nikanjam et al. 2021).
    """

    code = "LOS104"
    name = "output-range"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.WIRING
    needs = frozenset({"recipe"})
    explains = ("DAT104", "LOS105", "INI103", "INI105", "WIR102", *NUMERICS, *LEARNING_CURVES)
    remedies = ("remove-output-activation", "linear-output", "standardise-targets")

    def check(self, case: Case) -> Iterable[Finding]:
        """At most one finding."""
        name = output_activation(case)
        if outputs_of(case).rows_sum_to_one and _free_labels(case) is not None:
            yield self._competing(case, name or "softmax")
            return
        if name is None or name not in RANGES:
            return
        if name in ("softmax", "gumbel_softmax") and single_column(case):
            yield self._constant_softmax(case)
        elif outputs_of(case).maximum == 0 == outputs_of(case).minimum and name != "log_softmax":
            yield self._dead(case, name)
        elif loss_kind(case) in VALUE_LOSSES and case.batch is not None:
            yield from self._targets(case, name, case.batch.targets)
        elif loss_kind(case) in ("cross-entropy", "bce-with-logits"):
            yield from self._scores(case, name)

    def _constant_softmax(self, case: Case) -> Finding:
        state = state_of(case)
        return self.finding(
            Level.ERROR,
            "softmax over a single output is always 1",
            "The model gives one number a row and passes it through a softmax, which makes it 1 "
            "whatever it was. The output is a constant and no weight gets a gradient; a sigmoid "
            "is what one output needs.",
            (fact("outputs a row", 1), *learning_evidence(state)),
            confidence=0.98,
        )

    def _competing(self, case: Case, name: str) -> Finding:
        state, share = state_of(case), _free_labels(case) or 0.0
        targets = outputs_of(case).shape[1] * (_targets_of(case).mean or 0.0)
        return self.finding(
            exact(state),
            f"{name} over labels of which a row has {number(targets)} on average",
            f"The outputs of a row pass a {name}, which makes their sum 1, but the targets of "
            f"{percent(share)} of the rows do not: they hold {number(targets)} on average. The "
            "labels take from each other, so that of k labels none gets above 1/k, and a row "
            "without a label cannot be told. Labels that do not exclude each other need a sigmoid "
            "each (BCEWithLogitsLoss on the scores).",
            (
                above("share of the rows whose targets do not sum to 1", share, t.OFF_ONE),
                fact("largest distance of an output row's sum from 1", 0.0),
                *learning_evidence(state),
            ),
            confidence=0.95,
            remedies=("match-loss",),
        )

    def _dead(self, case: Case, name: str) -> Finding:
        state = state_of(case)
        return self.finding(
            exact(state),
            f"the output {name} is 0 for every row of the untrained model",
            f"Every sampled row gives 0 behind the output {name}, where its slope is 0 too, so no "
            "gradient reaches any weight.",
            (fact("largest output", 0.0), *learning_evidence(state)),
            confidence=0.9,
        )

    def _targets(self, case: Case, name: str, targets: TargetFacts) -> Iterable[Finding]:
        low, high = RANGES[name]
        over = _overshoot(targets, low, high)
        if over is None or over <= t.TARGET_GAP:
            return
        state = state_of(case)
        far = over > t.OUT_OF_RANGE
        level = exact(state) if far else gated(state, 1)
        if far and state.fine and (state.removed or 0.0) > t.LEARNING.perfect:
            level = Level.INFO
        evidence: tuple[Evidence, ...] = (
            above("targets beyond the range, in standard deviations", over, t.OUT_OF_RANGE),
            fact("smallest target", targets.minimum or 0.0),
            fact("largest target", targets.maximum or 0.0),
        )
        yield self.finding(
            level,
            f"{name} output cannot reach targets from {number(targets.minimum or 0.0)} to "
            f"{number(targets.maximum or 0.0)}",
            f"The targets span {number(targets.minimum or 0.0)} to {number(targets.maximum or 0.0)}"
            f" (mean {number(targets.mean or 0.0)}), but a {name} only gives values from "
            f"{number(low)} to {number(high)}. What lies beyond keeps its error for ever.",
            (*evidence, *learning_evidence(state)),
            confidence=0.9 if far else 0.5,
        )

    def _scores(self, case: Case, name: str) -> Iterable[Finding]:
        if name in PROBABILITIES or name in ("log_softmax", "logsigmoid"):
            return
        state = state_of(case)
        low, high = RANGES[name]
        ends = f"{number(low)} to {number(high)}" if math.isfinite(high) else f"above {number(low)}"
        yield self.finding(
            gated(state, 3),
            f"{name} on the scores before {loss_kind(case)}",
            f"The loss takes scores of any size, but they pass a {name} first and only come in "
            f"values {ends}. Where it is flat a score gets no gradient, and confident predictions "
            f"cannot be expressed.{_least(case, low, high)}",
            (fact(f"output activation is {name}", 1), *learning_evidence(state)),
            confidence=0.85,
        )


def _targets_of(case: Case) -> TargetFacts:
    return TargetFacts("none") if case.batch is None else case.batch.targets


def _free_labels(case: Case) -> float | None:
    """Share of the rows whose targets do not sum to 1, where each output has one of its own."""
    targets = _targets_of(case)
    asks = loss_kind(case) in ("bce", *VALUE_LOSSES)
    if not asks or targets.off_one is None or targets.shape[1:] != outputs_of(case).shape[1:]:
        return None
    return targets.off_one if targets.off_one > t.OFF_ONE else None


def _least(case: Case, low: float, high: float) -> str:
    """The smallest cross-entropy that scores of that range allow."""
    classes = scores_a_row(case)
    if loss_kind(case) != "cross-entropy" or classes is None or not math.isfinite(high - low):
        return ""
    return f" The loss cannot fall below {number(bounded_score_floor(classes, low, high))}."


def _overshoot(targets: TargetFacts, low: float, high: float) -> float | None:
    """How far the farthest target lies beyond [low, high], in standard deviations."""
    if targets.minimum is None or targets.maximum is None or not targets.std:
        return None
    beyond = max(low - targets.minimum, targets.maximum - high)
    return beyond / targets.std if math.isfinite(beyond) else None
