"""GRD102: the gradient grows beyond all bounds."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.core.trace import GRADIENT_RMS
from torchclinic.functional.curves import gradient_series
from torchclinic.functional.depth import first_over_last
from torchclinic.functional.smoothing import blocks
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.traced import agreeing, deep_layers, layer_of, profile
from torchclinic.rules.wording import number, short, times


@register
class ExplodingGradient(Rule):
    """The gradient grows during training, or from the last layer to the first.

    ## What it does
    Looks for a total gradient norm that rises above ten times its earlier level and stays there or
    ends non-finite, and for a gradient that is over 70 times larger in the first layer than in
    the last. It is reported only where the training diverges or does not learn.

    ## Why is this bad?
    The size of an update follows the gradient. One that is a hundred times too large throws the
    weights out of the region where the gradient meant anything; the loss jumps and may never
    come back.

    ## Known problems
    The norm often rises while a healthy training sets off, and conv layers have naturally larger
    gradients than the linear layer behind them: both are silent where the loss falls.

    ## Example
    `loss.backward(); optimizer.step()  # an RNN over 500 steps`

    ## Use instead
    `loss.backward(); clip_grad_norm_(model.parameters(), 1.0); optimizer.step()`

    ## References
    Pascanu, Mikolov & Bengio 2013, arXiv 1211.5063; AUTOTRAINER (Zhang et al. 2021).
    """

    code = "GRD102"
    name = "exploding-gradient"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.NUMERICS
    any_of = ("history", "trace")
    explains = ("INI103", "NUM101", "ACT101", "LRN102", *LEARNING_CURVES)
    remedies = ("clip-gradient", "learning-rate", "warm-up", "reinitialise", "batch-norm")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for growth over time, else one for growth over depth."""
        state = state_of(case)
        if not state.poor:
            return
        growth = _growth(case)
        depth = _depth(case)
        signs = tuple(sign for sign in (growth, depth) if sign is not None)
        if not signs:
            return
        extra = tuple(_diverges(case))
        decisive = signs[0]
        place = f" at {short(decisive.layer)}" if decisive.layer else ""
        what = "over the run" if decisive is growth else "from the last layer to the first"
        yield self.finding(
            gated(state, len(signs) + len(extra)),
            f"gradient grows {times(decisive.value)} {what}{place}",
            f"The {decisive.statistic} is {number(decisive.value)}. Updates follow the gradient, "
            "so weights are thrown about instead of led, and "
            + (
                "the loss diverges." if state.progress.value == "diverged" else "nothing is learnt."
            ),
            (*signs, *extra, *learning_evidence(state)),
            layers=[decisive.layer] if decisive.layer else [],
            steps=(1, state.steps),
            confidence=confidence(decisive.value, decisive.threshold or 1.0, len(signs)),
        )


def _growth(case: Case) -> Evidence | None:
    """Largest late level of the total norm over its lowest earlier one."""
    series = gradient_series(case)
    parts = blocks(series.steps, series.values, 12)
    if len(parts) < 4:
        return None
    levels = [part.level for part in parts]
    start = min(levels[: len(levels) // 3])
    late = min(levels[-2:])  # both of the last two blocks: a spike is not growth
    growth = late / start if start > 0 else 0.0
    return (
        above("gradient norm, end over start", growth, t.NORM_GROWTH)
        if (growth > t.NORM_GROWTH)
        else None
    )


def _depth(case: Case) -> Evidence | None:
    layers = deep_layers(case.trace)
    shape = profile(layers, GRADIENT_RMS)
    ratio = first_over_last(shape.values)
    if len(shape) < 3 or not ratio > t.GRADIENT_HIGH:
        return None
    first, last = (layer_of(case.trace, shape.names[i]) for i in (0, -1))
    if first is None or last is None:
        return None
    if agreeing(first[GRADIENT_RMS], last[GRADIENT_RMS], 0.0, t.GRADIENT_HIGH) < t.AGREEING:
        return None
    return above("gradient RMS, first layer over last", ratio, t.GRADIENT_HIGH, layer=first.name)


def _diverges(case: Case) -> Iterable[Evidence]:
    state = state_of(case)
    if state.nonfinite_step is not None:
        yield fact("first step with a non-finite loss", state.nonfinite_step)
    elif state.final is not None and state.best and state.final > t.LEARNING.rise * state.best > 0:
        limit = t.Threshold(t.LEARNING.rise, "TheDeepChecker (Ben Braiek & Khomh 2023)")
        yield above("final loss over the best", state.final / state.best, limit)
