"""INI103: the gradient grows or fades on its way back, before training."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.core.trace import GRADIENT_RMS, UPDATE_RATIO
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, fact, learning_evidence
from torchclinic.rules.fading import FEWEST_LAYERS, Fading, fading
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.initial import initial_layers
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.traced import deep_layers, profile
from torchclinic.rules.wording import called, number, short, times


@register
class GradientVariance(Rule):
    """In the untrained net the gradient fades or explodes between the last layer and the first.

    ## What it does
    Compares the gradient's root mean square per weight of the first layer with the last's, in one
    backward pass before training: below 0.01 (0.05 where the hidden layers alone fade), or above
    70.

    ## Why is this bad?
    A first layer whose gradient is hundreds of times smaller than the last's learns hundreds of
    times slower under SGD: the net keeps random features. The reverse makes the first layer
    overshoot at any learning rate that suits the last.

    ## Known problems
    Optimizers with normalised steps and normalisation layers can cope, so it is a warning only
    where learning suffers; once a watched run shows the same, GRD101 or GRD102 speaks for it.

    ## Example
    `[nn.Linear(100, 100), nn.Sigmoid()] * 10`

    ## Use instead
    `[nn.Linear(100, 100), nn.BatchNorm1d(100), nn.ReLU()] * 10`

    ## References
    Glorot & Bengio 2010, section 4.2.1; AUTOTRAINER (Zhang et al. 2021).
    """

    code = "INI103"
    name = "gradient-variance"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.NUMERICS  # what it foretells is a numeric fault; bad weights have INI102
    needs = frozenset({"batch", "recipe"})
    explains = ("LRN102", *LEARNING_CURVES)
    remedies = ("reinitialise", "relu-activations", "batch-norm", "residual", "lsuv-init")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where the ratio is outside of its range."""
        layers = [x for x in initial_layers(case) if x.readings.gradient_rms is not None]
        fade = fading([x.readings.gradient_rms or 0.0 for x in layers])
        if len(layers) < FEWEST_LAYERS or not (fade.fades or fade.ratio > t.GRADIENT_HIGH):
            return
        first, last = layers[0].facts.name, layers[-1].facts.name
        what = "gradient RMS, first layer over last"
        main = (
            fade.evidence(what, first)
            if fade.fades
            else above(what, fade.ratio, t.GRADIENT_HIGH, layer=first)
        )
        state, signs = state_of(case), tuple(_signs(case, fade))
        size = f"grows {times(fade.ratio)}"
        if fade.fades:
            size = f"fades {times(1 / fade.ratio)}" if fade.ratio > 0 else "fades to zero"
        level = gated(state, 1 + len(signs))
        yield self.finding(
            Level.INFO if _outgrown(case) and not state.hurt else level,
            f"untrained: gradient {size} from {short(last)} to {short(first)}",
            f"In the untrained net the gradient of a weight is {number(fade.ratio)} times as large "
            f"in {called(first)} as in {called(last)}: each layer multiplies it by about "
            f"{number(fade.per_layer)} on its way back.",
            (main, *signs, *learning_evidence(state)),
            layers=[first],
            confidence=confidence(fade.ratio, main.threshold or 1.0, 1 + len(signs)) - 0.1,
        )


def _outgrown(case: Case) -> bool:
    """Whether a watched run shows that the first layer gets enough: it does not fade, or moves."""
    layers = deep_layers(case.trace)
    shape = profile(layers, GRADIENT_RMS)
    if len(shape) < FEWEST_LAYERS:
        return False
    moved = profile(layers[:1], UPDATE_RATIO).values
    return not fading(shape.values).fades or bool(moved and moved[0] >= t.EARLY_UPDATE)


def _signs(case: Case, fade: Fading) -> Iterable[Evidence]:
    if case.one_batch is not None and not case.one_batch.passed:
        yield fact("one-batch test failed, tries", len(case.one_batch.best_losses))
    if fade.hidden < t.HIDDEN_FADE:
        yield below("factor a hidden layer", fade.hidden, t.HIDDEN_FADE)
