"""INI107: recurrent weights that make a state explode, or hold it at its bounds."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, RecurrentFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, learning_evidence
from torchclinic.rules.grading import confidence, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.start import (
    explodes,
    follows,
    large_recurrences,
    level_of_start,
    proof,
    told,
)
from torchclinic.rules.wording import called, number, percent, short, times


@register
class LargeRecurrence(Rule):
    """Recurrent weights start so large that the state explodes or saturates.

    ## What it does
    Runs each recurrent layer over the first rows before training. It fires where the gain of its
    recurrent weights (root mean square times the root of the units) is above 2 and the state
    grows over all bounds from step to step, or most gates (units, in a tanh net) lie where their
    function is flat because of what the state gives to them. Where the training learns little, it
    is made once more with recurrent weights of gain 1.

    ## Why is this bad?
    A state is multiplied by one and the same matrix at each step. With a gain of 5 a ReLU state
    is 10^13 times larger after 24 steps; tanh and gates bound it, but there a small difference
    between two rows turns into any difference, and hardly any gradient passes.

    ## Known problems
    Reservoirs, whose recurrent weights are large on purpose and frozen, look alike.

    ## Example
    `nn.init.normal_(rnn.weight_hh_l0)`

    ## Use instead
    `nn.init.orthogonal_(rnn.weight_hh_l0)  # or torch's own start`

    ## References
    Pascanu et al. 2013, arXiv 1211.5063; Le et al. 2015, arXiv 1504.00941 (IRNN);
    Saxe et al. 2014, arXiv 1312.6120.
    """

    code = "INI107"
    name = "large-recurrence"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.INITIALISATION
    needs = frozenset({"batch", "recipe"})
    explains = (
        *("INI102", "INI103", "INI104", "LOS105", "GRD101", "GRD102", "GRD103", "NUM101"),
        *("LRN101", "LRN102", "CRV103", *LEARNING_CURVES),
    )
    remedies = ("reinitialise", "clip-gradient")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for the layer with the largest recurrent weights."""
        large = large_recurrences(case)
        if not large:
            return
        worst, state = max(large, key=lambda layer: layer.gain), state_of(case)
        signs = tuple(_signs(worst))
        yield self.finding(
            level_of_start(case, len(signs)),
            f"recurrent weights of {short(worst.name)} too large: gain {number(worst.gain)}",
            f"The recurrent weights of {called(worst.name)} ({worst.kind}) start with the gain "
            f"{number(worst.gain)} (root mean square times the root of the units), where the usual "
            f"schemes give 0.6 to 1. {_story(worst)}{told(case)}",
            (*signs, *proof(case), *learning_evidence(state)),
            layers=[layer.name for layer in large],
            confidence=confidence(worst.gain, t.GAIN_HIGH, len(signs)) + 0.2,
            explains=follows(case, self.explains),
        )


def _signs(layer: RecurrentFacts) -> Iterable[Evidence]:
    name = layer.name
    yield above("gain of the recurrent weights", layer.gain, t.GAIN_HIGH, layer=name)
    if explodes(layer) and layer.per_step is not None:
        yield above("growth of the state a step", layer.per_step, t.STATE_PER_STEP, layer=name)
    elif layer.saturated is not None:
        yield above("share of flat gates", layer.saturated, t.SATURATED, layer=name)


def _story(layer: RecurrentFacts) -> str:
    if explodes(layer):
        factor = "" if layer.per_step is None else f" {times(layer.per_step)} a step"
        return (
            f"The state grows{factor} over the {layer.steps} steps that were looked at, and "
            "outputs and gradients with it."
        )
    return (
        f"What the state gives to the units is {number(layer.from_state)} in size, what the "
        f"inputs give {number(layer.from_inputs)}, and {percent(layer.saturated or 0.0)} of them "
        "lie where their function is flat."
    )
