"""LRN101: the learning rate is far from what the range test allows."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import Case, RateTrialFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.core.lr_range import LRRange
from torchclinic.functional.curves import rate_series
from torchclinic.functional.learning import LearningState
from torchclinic.functional.progress import Progress
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, fact, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of, wanting
from torchclinic.rules.initial import SCORE_LOSSES
from torchclinic.rules.outputs import loss_kind, outputs_of
from torchclinic.rules.rates import (
    Killed,
    configured_rate,
    helps,
    high_signs,
    killed_rate,
    low_signs,
    proven_high,
    proven_low,
    suggested_rate,
    too_high,
    too_low,
    trial_gain,
    update_ratio,
)
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.thrown import Thrown, thrown
from torchclinic.rules.wording import called, number, percent, times


@register
class LearningRateFarOff(Rule):
    """The learning rate lies far below or above the range in which the loss falls.

    ## What it does
    Compares the configured rate with the LR range test's curve: more than 10 times below the
    suggested rate, or above a third of the rate at which the loss blows up, while the training
    shows it by diverging and swinging. A rate is called too low where the same training was made
    once more at a larger one and ended markedly better on rows that it was not trained on. It also
    finds schedules that cut the rate to less than a hundredth before half of the training, and
    warm-ups that outlast it. Of a trace alone it tells a rate that is too high where steps of a
    tenth of the weights and more are followed by a first layer without any gradient.

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
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.NUMERICS
    any_of = ("history", "trace")
    explains = ("LRN102", "GRD103", *LEARNING_CURVES)
    remedies = (
        "learning-rate", "drop-schedule", "warm-up", "adamw", "cosine-schedule", "clip-gradient",
    )  # fmt: skip

    def check(self, case: Case) -> Iterable[Finding]:
        """At most one finding: too high, too low, or cut off by the schedule."""
        state, rate = state_of(case), configured_rate(case)
        if rate is None or not state.known:
            return
        curve = case.lr_range if case.lr_range is not None else LRRange()
        margin, gap, cut = too_high(curve, rate), too_low(curve, rate), killed_rate(case)
        if margin is not None:
            high = tuple(self._high(case, curve, state, margin, rate))
            yield from high
            if not high and case.trial is not None and proven_high(case):
                yield self._proven_high(case, state, case.trial)
        elif case.trial is not None and proven_low(case) and not _otherwise(case, state, gap):
            yield self._proven(case, state, case.trial)
        elif case.trial is not None and proven_high(case):
            yield self._proven_high(case, state, case.trial)
        elif gap is not None and case.trial is None:
            yield from self._low(case, curve, state, gap, rate)
        end = thrown(case.trace)
        if end is not None and case.lr_range is None and case.trial is None and state.poor:
            yield self._put_out(state, end, rate)
        if cut is not None and margin is None and not proven_low(case):
            yield from self._cut(state, cut)

    def _high(
        self, case: Case, curve: LRRange, state: LearningState, margin: Evidence, rate: float
    ) -> Iterable[Finding]:
        signs, beyond = tuple(high_signs(case, state)), margin.value <= 1
        certain = (beyond and state.poor) or (signs and state.poor) or (beyond and len(signs) >= 2)
        if not certain or (state.fine and not wanting(state)):
            return
        edge = number(curve.divergence or 0.0)
        count = 1 + len(signs) + int(beyond)
        level = gated(state, count)
        yield self.finding(
            Level.WARNING if level is Level.INFO else level,
            f"learning rate {number(rate)} is too high: the loss blows up at {edge}",
            f"In the range test the loss blows up at a learning rate of {edge}, and this training "
            f"runs at {number(rate)}.{_saying(signs)}{_multiplied(case)}{_advice(curve)}",
            (margin, *signs, *learning_evidence(state)),
            confidence=confidence(margin.value, margin.threshold or 1.0, count),
            explains=("GRD102", "NUM101", "ACT101", "GRD101", *self.explains),
        )

    def _put_out(self, state: LearningState, end: Thrown, rate: float) -> Finding:
        """No other rate was tried, but the steps are seen to have ended the training."""
        return self.finding(
            gated(state, 2),
            f"learning rate {number(rate)} is too high: large steps end the gradient at step "
            f"{end.step}",
            f"Single steps changed the weights by {percent(end.ratio)}, where a tenth of a percent "
            f"is usual, and from step {end.step:,} on {called(end.layer)} gets "
            f"{number(end.left)} of the gradient that it had at first: the units behind it are "
            f"silent or saturated on all rows, and nothing brings them back. This training runs at "
            f"{number(rate)}: take a tenth of it or less. If that is a usual rate here, inputs or "
            "targets are too large.",
            (
                above("largest update-to-weight ratio, median layer", end.ratio, t.UPDATE_HIGH),
                below("gradient of the first layer over its first", end.left, t.PUT_OUT,
                      layer=end.layer),
                *learning_evidence(state),
            ),
            layers=[end.layer],
            steps=(end.step, state.steps),
            confidence=0.9,
            explains=("NUM101", "ACT101", "GRD101", "INI103", *self.explains),
        )  # fmt: skip

    def _low(
        self, case: Case, curve: LRRange, state: LearningState, gap: Evidence, rate: float
    ) -> Iterable[Finding]:
        signs = tuple(low_signs(case, state))
        unfinished = state.fine and not state.near_perfect and len(signs) >= 2
        lost = state.progress is Progress.DIVERGED
        if not (state.poor or unfinished) or not signs or lost or _memorises(state):
            return
        level = gated(state, 1 + len(signs))
        yield self.finding(
            Level.WARNING if level is Level.INFO else level,
            f"learning rate {number(rate)} is too low: {times(gap.value)} below the range test's",
            f"The range test suggests a learning rate of {number(suggested_rate(curve) or 0.0)}, "
            f"and this training runs at {number(rate)}.{_saying(signs)}",
            (gap, *signs, *learning_evidence(state)),
            confidence=confidence(gap.value, t.RATE_LOW, 1 + len(signs)),
            remedies=("learning-rate", "adamw", "momentum"),
        )

    def _proven_high(self, case: Case, state: LearningState, trial: RateTrialFacts) -> Finding:
        """The same training at a smaller rate was tried, and got markedly farther."""
        gain, signs = trial_gain(case) or 0.0, tuple(high_signs(case, state))
        return self.finding(
            _level_of_trial(state, gain, 2 + len(signs)),
            f"learning rate {number(trial.configured)} is too high: {number(trial.rate)} gets "
            f"{_farther(trial)} farther",
            f"The same {trial.steps:,} steps were made once more at {number(trial.rate)}, with the "
            f"same rows and first weights: the loss on {trial.split} rows ends at "
            f"{number(trial.tried)}, where the configured rate ends at {number(trial.loss)}."
            f"{_metrics_of(trial)}{_saying(signs)}{_multiplied(case)}",
            (
                above("share of the loss that a smaller rate removes more", gain, t.TRIAL_GAIN),
                fact("rate tried", trial.rate),
                *signs,
                *learning_evidence(state),
            ),
            confidence=0.85,
            explains=("GRD102", "NUM101", "ACT101", "GRD101", *self.explains),
        )

    def _proven(self, case: Case, state: LearningState, trial: RateTrialFacts) -> Finding:
        """The same training at a larger rate was tried, and got markedly farther."""
        gain, aim = trial_gain(case) or 0.0, _unreached(case)
        signs = tuple(low_signs(case, state))
        rows = "validation rows" if trial.split == "validation" else "training rows"
        title = f"learning rate {number(trial.configured)} is too low: {number(trial.rate)} gets "
        if aim is not None:
            title = (
                f"the warm-up outlasts the training: the rate ends at {number(trial.configured)} "
                f"of {number(aim)}"
            )
        else:
            title += f"{_farther(trial)} farther"
        warm = (
            ""
            if aim is None
            else (
                f" The schedule is still raising the rate when the training ends: it reaches "
                f"{percent(trial.configured / aim)} of the {number(aim)} that it aims at."
            )
        )
        return self.finding(
            _level_of_trial(state, gain, 2 + len(signs)),
            title,
            f"The same {trial.steps:,} steps were made once more at {number(trial.rate)}, with the "
            f"same rows and first weights: the loss on {rows} ends at {number(trial.tried)}, "
            f"where the configured rate ends at {number(trial.loss)}.{_metrics_of(trial)}{warm}"
            f"{_saying(signs)}{_spread(case)}",
            (
                above("share of the loss that a larger rate removes more", gain, t.TRIAL_GAIN),
                fact("rate tried", trial.rate),
                *signs,
                *learning_evidence(state),
            ),
            confidence=0.9,
            remedies=("drop-schedule", "learning-rate", "adamw")
            if aim is not None
            else ("learning-rate", "adamw", "momentum"),
        )

    def _cut(self, state: LearningState, cut: Killed) -> Iterable[Finding]:
        if state.falling or not (state.poor or wanting(state)):
            return
        level = gated(state, 2)
        yield self.finding(
            Level.WARNING if level is Level.INFO else level,
            f"the schedule cuts the learning rate to {number(cut.rate)} half-way",
            f"The rate starts at {number(cut.largest)} and is below a hundredth of that from step "
            f"{cut.step:,} on, {percent(cut.share)} into the training. From there on the loss "
            "hardly changes, since the steps are too small to change it.",
            (
                below("rate half-way over the largest", cut.rate / cut.largest, t.RATE_KILLED),
                fact("step from which it is below a hundredth", cut.step),
                *learning_evidence(state),
            ),
            steps=(cut.step, state.steps),
            confidence=confidence(max(cut.rate / cut.largest, 1e-12), t.RATE_KILLED, 2),
            remedies=("drop-schedule", "cosine-schedule", "learning-rate"),
        )


def _level_of_trial(state: LearningState, gain: float, signals: int) -> Level:
    """Of a rate that was beaten by another: a hint where the training learns well enough."""
    if not state.poor and gain < t.TRIAL_GAIN_LEARNT:
        return Level.INFO
    level = gated(state, signals)
    return Level.WARNING if level is Level.INFO else level


def _farther(trial: RateTrialFacts) -> str:
    return times(trial.loss / trial.tried) if 0 < trial.tried < trial.loss else "much"


def _metrics_of(trial: RateTrialFacts) -> str:
    if trial.metric is None or trial.tried_metric is None:
        return ""
    return f" The metric is {number(trial.tried_metric)} in place of {number(trial.metric)}."


def _spread(case: Case) -> str:
    """Scores that hardly differ are a reason why a usual rate is too low."""
    outputs = outputs_of(case)
    if loss_kind(case) not in SCORE_LOSSES or outputs.std is None or outputs.std > t.SCORES_FLAT:
        return ""
    return (
        f" The untrained scores differ by no more than {number(outputs.std)}: something, such as a "
        "division by a temperature, makes them and their gradients small."
    )


def _unreached(case: Case) -> float | None:
    """The optimizer's own rate, where a schedule still climbs towards it when the run ends."""
    aim = case.recipe.optimizer.learning_rate if case.recipe is not None else math.nan
    used = rate_series(case).values
    climbs = len(used) > 1 and used[-1] >= max(used) > used[0]
    return aim if climbs and max(used) < t.WARM_UP_SHARE * aim else None


def _otherwise(case: Case, state: LearningState, gap: Evidence | None) -> bool:
    """Steps are small for another reason: clipping (LRN102 says so), or there are too few."""
    recipe = case.recipe
    clips = recipe is not None and (recipe.clip_norm is not None or recipe.clip_value is not None)
    ratio = update_ratio(case, 0.5)
    if clips and state.poor and ratio is not None and ratio < t.UPDATE_LOW:
        return True
    slope, few = state.slope, gap is None and state.steps < t.FEW_STEPS
    brief = few and case.longer is None and slope is not None and slope.falls
    return (brief and state.progress is Progress.STUCK) or _only_short(case, gap)


def _only_short(case: Case, gap: Evidence | None) -> bool:
    """Few updates at a usual rate: more of them do as well as larger ones, which CRV104 says."""
    usual = gap is None and state_of(case).steps < t.FEW_STEPS
    return usual and case.longer is not None and helps(case, case.longer)


def _memorises(state: LearningState) -> bool:
    """The training loss falls and the validation loss is worse than a constant's."""
    validation = state.validation_removed
    return validation is not None and validation < 0 < (state.removed or 0.0) - t.LEARNING.begun


def _saying(signs: tuple[Evidence, ...]) -> str:
    return f" Seen in this run: {signs[0].statistic} {number(signs[0].value)}." if signs else ""


def _multiplied(case: Case) -> str:
    """What makes every step larger than the rate says: a summing loss, a long momentum."""
    said: list[str] = []
    if case.batch is not None and case.batch.sum_reduction:
        rows = case.recipe.batch_size if case.recipe is not None else None
        count = f"{rows} rows" if rows is not None else "rows"
        said.append(f" The loss sums over the {count} of a batch instead of taking their mean.")
    momentum = case.recipe.optimizer.momentum if case.recipe is not None else 0.0
    if t.MOMENTUM_HIGH <= momentum < 1:
        said.append(
            f" With a momentum of {number(momentum)} each gradient counts "
            f"{number(1 / (1 - momentum))} times."
        )
    return "".join(said)


def _advice(curve: LRRange) -> str:
    rate = curve.suggestion
    return "" if rate is None else f" The test suggests {number(rate)}."
