"""INI102: the signal grows or shrinks from layer to layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.depth import decades_per_layer, spread
from torchclinic.functional.learning import LearningState
from torchclinic.functional.robust import median
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.initial import InitialLayer, initial_excess, initial_layers
from torchclinic.rules.rates import without_low_rate
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import called, number, short, times


@register
class ActivationVariance(Rule):
    """The weights start at a scale that makes the signal grow or shrink with depth.

    ## What it does
    Follows the standard deviation of the pre-activations through the untrained net and looks at
    the gain (standard deviation of the weights times the root of fan_in) of each layer. Both must
    be off: the signal above 5 or below 0.1, the gain outside of [0.2, 2]. In a deep tanh net,
    where the signal is bounded, a gain above 2 is enough.

    ## Why is this bad?
    A layer multiplies the signal's scale by its gain. A gain of 10 makes it grow tenfold with
    each layer, until activations saturate and gradients explode; a gain of 0.01 lets the signal
    die out before it reaches the output.

    ## Known problems
    A normalisation layer hides the scale, so layers followed by one are left out. Deep plain nets
    at torch's default gain of 0.58 lose the signal too: that is GRD101's business.

    ## Example
    `nn.init.normal_(layer.weight, std=1.0)`

    ## Use instead
    `nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")`

    ## References
    Glorot & Bengio 2010; He et al. 2015, arXiv 1502.01852; Mishkin & Matas 2016,
    arXiv 1511.06422 (LSUV); Poole et al. 2016, arXiv 1606.05340 (chaos above gain 1).
    """

    code = "INI102"
    name = "activation-variance"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.INITIALISATION
    needs = frozenset({"batch", "recipe"})
    explains = (
        *("INI103", "INI104", "INI105", "LOS105", "GRD101", "GRD102", "NUM101", "ACT101"),
        *("LRN101", "LRN102", "CRV103", *LEARNING_CURVES),
    )
    remedies = ("reinitialise", "lsuv-init", "batch-norm", "residual")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where scale and gain are off in the same direction."""
        layers = [layer for layer in initial_layers(case) if not layer.facts.normalised]
        signs = tuple(_signs(layers))
        if len(signs) < 2:
            return
        state, drift, worst = state_of(case), signs[0], signs[1]
        lost = tuple(_lost(case, state))
        signs = (*signs, *_too_sure(case, drift), *lost)
        level = gated(state, len(signs))
        yield self.finding(
            Level.WARNING if lost and level is Level.INFO else level,
            f"initial weights too {'large' if drift.comparison == '>' else 'small'}: "
            f"gain {number(worst.value)} at {short(worst.layer)}",
            f"The weights of {called(worst.layer)} start with the gain {number(worst.value)} "
            "(standard deviation times the root of fan_in), where the usual schemes give 0.6 to "
            "1.4. "
            f"{_story(layers, drift)}",
            (*signs, *learning_evidence(state)),
            layers=[worst.layer],
            confidence=confidence(worst.value, worst.threshold or 1.0, len(signs)),
            explains=without_low_rate(case, self.explains)
            if drift.comparison == ">"
            else self.explains,
        )


def _story(layers: Sequence[InitialLayer], drift: Evidence) -> str:
    if drift.threshold == t.DEEP:
        return (
            f"In {number(drift.value)} layers that saturate at both ends such a gain makes small "
            "differences between rows grow from layer to layer, and the gradient with them."
        )
    per_layer = 10 ** abs(decades_per_layer(_stds(layers))) if len(layers) > 2 else None
    rate = f" {times(per_layer)} a layer" if per_layer is not None and per_layer > 1.2 else ""
    return (
        f"The pre-activations {'grow' if drift.comparison == '>' else 'shrink'}{rate}: their "
        f"standard deviation is {_ends(layers)}."
    )


def _stds(layers: Sequence[InitialLayer]) -> list[float]:
    return [layer.readings.activation_std or 0.0 for layer in layers]


def _ends(layers: Sequence[InitialLayer]) -> str:
    first, last = layers[0], layers[-1]
    return (
        f"{number(first.readings.activation_std or 0.0)} at {called(first.facts.name)} and "
        f"{number(last.readings.activation_std or 0.0)} at {called(last.facts.name)}"
    )


def _signs(layers: Sequence[InitialLayer]) -> Iterable[Evidence]:
    """The signal's scale first, then the gain that is to blame; () where one of them is sound."""
    gains = [(layer.gain, layer.facts.name) for layer in layers if layer.gain is not None]
    if not gains:
        return
    high, low = max(gains), min((layer.low_gain or 1.0, layer.facts.name) for layer in layers)
    stds = _stds(layers)
    if high[0] > t.GAIN_HIGH and max(stds) > t.FIRST_PREACTIVATION:
        what = "largest standard deviation of pre-activations"
        yield above(what, max(stds), t.FIRST_PREACTIVATION)
        yield above("gain of the initial weights", high[0], t.GAIN_HIGH, layer=high[1])
        yield from _drift(stds)
    elif 0 < low[0] < t.GAIN_LOW and min(stds) < 1 / t.STD_SPREAD:
        limit = t.Threshold(1 / t.STD_SPREAD, t.STD_SPREAD.source)
        yield below("smallest standard deviation of pre-activations", min(stds), limit)
        yield below("gain of the initial weights", low[0], t.GAIN_LOW, layer=low[1])
        yield from _drift(stds)
    else:
        yield from _chaos(layers)


def _too_sure(case: Case, drift: Evidence) -> Iterable[Evidence]:
    """Scores that are large from the start: what weights that are too large do to the loss."""
    excess = initial_excess(case)
    if drift.comparison == ">" and excess is not None and excess > t.INITIAL_LOSS:
        yield above("initial loss above that of guessing, relative", excess, t.INITIAL_LOSS)


def _lost(case: Case, state: LearningState) -> Iterable[Evidence]:
    """A large part of the training spent far above a constant prediction."""
    losses = case.history.losses if case.history is not None else ()
    if not losses or not state.constant_known or not state.constant:
        return
    share = sum(loss > 2 * state.constant for loss in losses) / len(losses)
    if share > t.STEPS_LOST:
        yield above("share of the steps with twice a constant's loss", share, t.STEPS_LOST)


def _drift(stds: Sequence[float]) -> Iterable[Evidence]:
    if spread(stds) > t.STD_SPREAD:
        yield above("pre-activation std, largest over smallest", spread(stds), t.STD_SPREAD)


def _chaos(layers: Sequence[InitialLayer]) -> Iterable[Evidence]:
    """A deep tanh net whose hidden gains are above 2: the signal is bounded, the map chaotic."""
    hidden = [x for x in layers if x.facts.activation in ("tanh", "softsign", "hardtanh")]
    gain = median([x.gain for x in hidden if x.gain is not None])
    if len(hidden) >= t.DEEP and gain > t.GAIN_HIGH:
        worst = max(hidden, key=lambda x: x.gain or 0.0)
        yield above("hidden layers that saturate at both ends", len(hidden), t.DEEP)
        yield above("gain of the initial weights", gain, t.GAIN_HIGH, layer=worst.facts.name)
