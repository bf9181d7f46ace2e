"""INI104: units are saturated before training."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.initial import InitialLayer, initial_layers
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import called, number, percent, short


@register
class SaturatedAtInit(Rule):
    """Most units of a sigmoid or tanh layer are saturated before training.

    ## What it does
    Counts elements of the pre-activations beyond the point where the non-linearity is flat (5 for
    a sigmoid, 2.5 for tanh), and units that are beyond it on most rows.

    ## Why is this bad?
    Where the function is flat its slope is near zero (0.0066 for a sigmoid at 5), and so is every
    gradient that passes. Saturated units learn slowly and the layers before them hardly at all.

    ## Known problems
    The output layer is left out: a sure answer is no fault there.

    ## Example
    `nn.init.normal_(layer.weight, std=1.0)  # fan_in 784, then tanh`

    ## Use instead
    `nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain("tanh"))`

    ## References
    DeepDiagnosis (Wardat et al. 2022), saturated activation; Rakitianskaia & Engelbrecht 2015;
    Glorot & Bengio 2010.
    """

    code = "INI104"
    name = "saturated-at-init"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.INITIALISATION
    needs = frozenset({"batch", "recipe"})
    explains = ("INI103", "GRD101", "LRN101", "LRN102", "WIR102", *LEARNING_CURVES)
    remedies = ("reinitialise", "standardise-inputs", "batch-norm", "relu-activations")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for the worst hidden layer."""
        hidden = [layer for layer in initial_layers(case) if not layer.facts.output]
        saturated = [layer for layer in hidden if _share(layer) > t.SATURATED]
        if not saturated:
            return
        worst = max(saturated, key=_share)
        state, share = state_of(case), _share(worst)
        signs = tuple(_signs(worst))
        name = worst.facts.activation or "non-linearity"
        yield self.finding(
            gated(state, 1 + len(signs)),
            f"{percent(share)} of {short(worst.facts.name)} saturate {name} before training",
            f"{percent(share)} of the pre-activations of {called(worst.facts.name)} lie where "
            f"{name} is flat, so almost no gradient passes. {_why(worst)}",
            (
                above("saturated share", share, t.SATURATED, layer=worst.facts.name),
                *signs,
                *learning_evidence(state),
            ),
            layers=[layer.facts.name for layer in saturated],
            confidence=confidence(share, t.SATURATED, 1 + len(signs)),
        )


def _share(layer: InitialLayer) -> float:
    return max(layer.readings.saturated_units or 0.0, layer.readings.saturated_share or 0.0)


def _signs(worst: InitialLayer) -> Iterable[Evidence]:
    name = worst.facts.name
    if worst.gain is not None and worst.gain > t.GAIN_HIGH:
        yield above("gain of the initial weights", worst.gain, t.GAIN_HIGH, layer=name)
    std = worst.readings.activation_std
    if std is not None and std > t.FIRST_PREACTIVATION:
        yield above("standard deviation of pre-activations", std, t.FIRST_PREACTIVATION, layer=name)


def _why(worst: InitialLayer) -> str:
    std = worst.readings.activation_std
    scale = "" if std is None else f"Their standard deviation is {number(std)}. "
    if worst.gain is not None and worst.gain > t.GAIN_HIGH:
        return f"{scale}The weights have the gain {number(worst.gain)}, where 0.6 to 1.4 is usual."
    return f"{scale}The weights have a usual scale, so the inputs of the layer are too large."
