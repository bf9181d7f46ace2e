"""DAT104: regression targets far from unit scale."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import BatchFacts, Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import above, below, fact, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.initial import VALUE_LOSSES
from torchclinic.rules.rates import (
    ADAPTIVE,
    configured_rate,
    too_high,
    without_low_rate,
)
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number


@register
class UnscaledTargets(Rule):
    """The targets of a regression are far from unit scale, and the training suffers from it.

    ## What it does
    Looks at mean and standard deviation of real targets under a squared, absolute or Huber loss:
    one of them above 10, or a standard deviation below 0.01.

    ## Why is this bad?
    The gradient of a squared error is proportional to the target's scale, so that targets of
    thousands make every usual learning rate explode; an optimizer with normalised steps, such as
    Adam, needs thousands of updates to bring the output bias to the targets' mean. Tiny targets
    give gradients too small to move anything.

    ## Known problems
    Targets of a few dozen often train well, so only a training that suffers gets a warning.

    ## Example
    `loss = F.mse_loss(model(x), price_in_dollars)`

    ## Use instead
    `target = (price - train_price.mean()) / train_price.std()`

    ## References
    LeCun, Bottou, Orr & Mueller 1998, "Efficient BackProp", section 4.5.
    """

    code = "DAT104"
    name = "unscaled-targets"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.WIRING  # a plain mistake between loss and outputs outranks it
    needs = frozenset({"batch", "recipe"})
    explains = ("LOS105", "INI103", *NUMERICS, *LEARNING_CURVES)
    remedies = ("standardise-targets", "small-output-layer", "learning-rate", "clip-gradient")

    def check(self, case: Case) -> Iterable[Finding]:
        """A finding where the targets' scale is off; its level follows from what it does."""
        assert case.batch is not None
        assert case.recipe is not None
        targets = case.batch.targets
        if case.recipe.loss_kind not in VALUE_LOSSES or targets.kind != "real":
            return
        scale = _off_scale(targets.mean, targets.std)
        if scale is None:
            return
        state = state_of(case)
        signs = tuple(_signs(case.batch, state, scale))
        level = gated(state, 1 + len(signs)) if signs else Level.INFO
        if _rate_is_worse(case):
            level = Level.INFO
        yield self.finding(
            level,
            f"targets are not scaled: mean {number(targets.mean or 0.0)}, "
            f"standard deviation {number(targets.std or 0.0)}",
            f"The {scale.statistic} is {number(scale.value)}, while an untrained network gives "
            "values of about unit scale at most. Loss and gradients inherit that scale, so the "
            f"usual learning rates do not fit. {_harm(state, signs)}",
            (scale, *signs, *learning_evidence(state)),
            confidence=min(confidence(scale.value, scale.threshold or 1.0, 1 + len(signs)), 0.85),
            explains=without_low_rate(case, self.explains)
            if scale.comparison != "<"
            else self.explains,
        )


def _off_scale(mean: float | None, std: float | None) -> Evidence | None:
    if mean is None or std is None or not (math.isfinite(mean) and math.isfinite(std)):
        return None
    if max(abs(mean), std) > t.TARGET_LARGE:
        what = "mean of the targets" if abs(mean) > std else "standard deviation of the targets"
        return above(what, max(abs(mean), std), t.TARGET_LARGE)
    if 0 < std < t.TARGET_TINY:
        return below("standard deviation of the targets", std, t.TARGET_TINY)
    return None


def _signs(batch: BatchFacts, state: LearningState, scale: Evidence) -> Iterable[Evidence]:
    outputs, targets = batch.outputs, batch.targets
    reach = math.hypot(targets.mean or 0.0, targets.std or 0.0)
    if outputs is not None and outputs.mean is not None and outputs.std is not None and reach > 0:
        ratio = math.hypot(outputs.mean, outputs.std) / reach
        if ratio < t.TARGET_REACH:
            yield below("RMS of the untrained outputs over the targets'", ratio, t.TARGET_REACH)
        elif ratio > 1 / t.TARGET_REACH:
            limit = t.Threshold(1 / t.TARGET_REACH, t.TARGET_REACH.source)
            yield above("RMS of the untrained outputs over the targets'", ratio, limit)
    if scale.value > t.TARGET_HUGE:
        yield above(f"{scale.statistic}, beyond doubt", scale.value, t.TARGET_HUGE)
    if state.nonfinite_step is not None:
        yield fact("first step with a non-finite loss", state.nonfinite_step)


def _rate_is_worse(case: Case) -> bool:
    """Whether an optimizer whose steps do not grow with the targets runs beyond its range."""
    if case.recipe is None or case.lr_range is None:
        return False
    rate = configured_rate(case)
    adaptive = case.recipe.optimizer.name.startswith(ADAPTIVE)
    return adaptive and rate is not None and too_high(case.lr_range, rate) is not None


def _harm(state: LearningState, signs: tuple[Evidence, ...]) -> str:
    if state.fine or not signs:
        return "This training learns nevertheless." if state.fine else ""
    return f"The {signs[0].statistic} is {number(signs[0].value)}."
