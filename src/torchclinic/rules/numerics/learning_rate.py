"""LRN101: the learning rate is far from what the range test allows."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.core.lr_range import LRRange
from torchclinic.core.trace import UPDATE_RATIO
from torchclinic.functional.curves import loss_series, rate_series
from torchclinic.functional.learning import LearningState
from torchclinic.functional.noise import swing
from torchclinic.functional.robust import median
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, fact, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.traced import deep_layers, profile
from torchclinic.rules.wording import number, times


@register
class LearningRateFarOff(Rule):
    """The learning rate lies far below or above the range in which the loss falls.

    ## What it does
    Compares the configured rate with the LR range test's curve: more than 30 times below the
    suggested rate, or above a third of the rate at which the loss blows up, while the training
    shows it by hardly moving or by diverging and swinging.

    ## Why is this bad?
    With too small a rate the training ends before it has begun. With too large a one each step
    overshoots: the loss swings, units die, weights overflow.

    ## Known problems
    There is no absolute limit: 1e-3 is small for SGD and large for some transformers. The test
    is made on fresh weights, so a rate that is fine later may look large; therefore it takes a
    training that suffers to make this a warning.

    ## Example
    `SGD(model.parameters(), lr=1e-6)`

    ## Use instead
    `SGD(model.parameters(), lr=tc.find_lr(recipe).suggestion)`

    ## References
    Smith 2017, arXiv 1506.01186 (LR range test); CS231n notes, "Babysitting the learning process".
    """

    code = "LRN101"
    name = "learning-rate-far-off"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.NUMERICS
    needs = frozenset({"lr_range"})
    any_of = ("history", "trace")
    explains = ("LRN102", "REG101", *LEARNING_CURVES)
    remedies = ("learning-rate", "warm-up", "adamw", "cosine-schedule", "clip-gradient")

    def check(self, case: Case) -> Iterable[Finding]:
        """At most one finding, for too high or for too low a rate."""
        assert case.lr_range is not None
        rate = _configured(case)
        if rate is None:
            return
        state = state_of(case)
        high = _too_high(case.lr_range, rate)
        low = _too_low(case.lr_range, rate)
        if high is not None:
            yield from self._high(case, case.lr_range, state, high, rate)
        elif low is not None:
            yield from self._low(case, case.lr_range, state, low, rate)

    def _high(
        self, case: Case, curve: LRRange, state: LearningState, margin: Evidence, rate: float
    ) -> Iterable[Finding]:
        signs = tuple(_high_signs(case, state))
        if not signs or not state.known or (state.fine and state.near_perfect):
            return
        edge = curve.divergence or 0.0
        level = gated(state, 1 + len(signs))
        if level is Level.INFO and rate < edge:
            return
        yield self.finding(
            Level.WARNING if level is Level.INFO else level,
            f"learning rate {number(rate)} is too high: the loss blows up at {number(edge)}",
            f"In the range test the loss blows up at a learning rate of {number(edge)}, and this "
            f"training runs at {number(rate)}. {_saying(signs[0])}{_advice(curve)}",
            (margin, *signs, *learning_evidence(state)),
            confidence=confidence(margin.value, margin.threshold or 1.0, 1 + len(signs)),
            explains=("GRD102", "NUM101", "ACT101", "GRD101", *self.explains),
        )

    def _low(
        self, case: Case, curve: LRRange, state: LearningState, gap: Evidence, rate: float
    ) -> Iterable[Finding]:
        signs = tuple(_low_signs(case, state))
        unfinished = state.fine and not state.near_perfect and len(signs) >= 2
        if not (state.poor or unfinished) or not signs or state.progress.value == "diverged":
            return
        level = gated(state, 1 + len(signs))
        yield self.finding(
            Level.WARNING if level is Level.INFO else level,
            f"learning rate {number(rate)} is too low: {times(gap.value)} below the range test's",
            f"The range test suggests a learning rate of {number(curve.suggestion or 0.0)}, and "
            f"this training runs at {number(rate)}. {_saying(signs[0])}",
            (gap, *signs, *learning_evidence(state)),
            confidence=confidence(gap.value, t.RATE_LOW, 1 + len(signs)),
            remedies=("learning-rate", "adamw", "momentum"),
        )


def _configured(case: Case) -> float | None:
    """The largest rate that the run used (after a warm-up), else the recipe's."""
    used = [rate for rate in rate_series(case).values if rate > 0 and math.isfinite(rate)]
    if used:
        return max(used)
    given = case.lr_range.configured if case.lr_range is not None else None
    return given if given is not None and given > 0 else None


def _too_high(curve: LRRange, rate: float) -> Evidence | None:
    if curve.divergence is None or not curve.divergence > 0:
        return None
    margin = curve.divergence / rate
    if margin >= t.RATE_HIGH:
        return None
    return below("rate of divergence over the configured", margin, t.RATE_HIGH)


def _too_low(curve: LRRange, rate: float) -> Evidence | None:
    suggestion = curve.suggestion
    if suggestion is None or suggestion / rate <= t.RATE_LOW:
        return None
    return above("suggested learning rate over the configured", suggestion / rate, t.RATE_LOW)


def _high_signs(case: Case, state: LearningState) -> Iterable[Evidence]:
    if state.nonfinite_step is not None:
        yield fact("first step with a non-finite loss", state.nonfinite_step)
    if state.final is not None and state.initial and state.final > 1.2 * abs(state.initial):
        limit = t.Threshold(1.2, "here", "a loss that ends above its start")
        yield above("final loss over the initial", state.final / abs(state.initial), limit)
    losses = loss_series(case)
    moves = swing(losses.steps, losses.values)
    if moves > t.SWING:
        yield above("swing of the loss beyond its noise", moves, t.SWING)
    ratio = _update_ratio(case)
    if ratio is not None and ratio > t.UPDATE_HIGH:
        yield above("update-to-weight ratio", ratio, t.UPDATE_HIGH)


def _low_signs(case: Case, state: LearningState) -> Iterable[Evidence]:
    ratio = _update_ratio(case)
    if ratio is not None and ratio < t.UPDATE_LOW:
        yield below("update-to-weight ratio", ratio, t.UPDATE_LOW)
    if state.complete and state.falling and (state.pace or 0.0) > t.UNFINISHED:
        yield above("loss that one more training would remove", state.pace or 0.0, t.UNFINISHED)
    elif not state.falling and state.slope is not None and state.slope.falls and state.poor:
        yield fact("the loss falls, but by a share of", state.pace or 0.0)


def _update_ratio(case: Case) -> float | None:
    values = profile(deep_layers(case.trace), UPDATE_RATIO).values
    return median(values) if values else None


def _saying(sign: Evidence) -> str:
    return f"It shows: {sign.statistic} is {number(sign.value)}."


def _advice(curve: LRRange) -> str:
    return "" if curve.suggestion is None else f" The test suggests {number(curve.suggestion)}."
