"""INI105: units are silent on every row before training."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, LayerReadings
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.fading import fading
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.initial import initial_layers
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import called, percent, short

_BLOCKED = 0.9  # share of silent units from which a layer itself blocks the gradient


@register
class DeadAtInit(Rule):
    """Many ReLU units are silent on every row before training.

    ## What it does
    Counts the units of each hidden layer whose pre-activation is at or below zero on every one of
    at least 512 rows (on all rows where the data has fewer).

    ## Why is this bad?
    A silent unit has output and gradient zero, so it never changes: the layer is narrower than it
    looks. If a whole layer is silent, nothing before it learns.

    ## Known problems
    The share of zeros says nothing: healthy ReLU layers are zero for half of their elements or
    more. With one or two inputs a quarter of the units is silent by chance, so that only more
    than 40 % is reported.

    ## Example
    `nn.init.constant_(layer.bias, -10.0)`

    ## Use instead
    `nn.init.zeros_(layer.bias)`

    ## References
    Lu et al. 2019, "Dying ReLU and Initialization", arXiv 1903.06733; He et al. 2015.
    """

    code = "INI105"
    name = "dead-at-init"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.INITIALISATION
    needs = frozenset({"batch", "recipe"})
    explains = (
        "INI102",
        "INI103",
        "ACT101",
        "GRD101",
        "LRN101",
        "LRN102",
        "WIR102",
        *LEARNING_CURVES,
    )
    remedies = ("reinitialise", "leaky-activations", "batch-norm", "standardise-inputs")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for the worst hidden layer."""
        hidden = [x for x in initial_layers(case) if not x.facts.output]
        dead = [x for x in hidden if _share(case, x.readings) > t.DEAD_WARN]
        if not dead:
            return
        worst = max(dead, key=lambda x: _share(case, x.readings))
        share, name = _share(case, worst.readings), worst.facts.name
        state = state_of(case)
        faded = share < _BLOCKED and _fades(case)
        yield self.finding(
            gated(state, 2 if share > t.DEAD_ERROR else 1),
            f"{percent(share)} of the units of {short(name)} are silent before training",
            f"{percent(share)} of the {worst.facts.activation or 'ReLU'} units of "
            f"{called(name)} give 0 on every one of {worst.readings.rows:,} rows. They get no "
            "gradient either, so they stay silent unless the layers before them change.",
            (
                above("share of silent units", share, t.DEAD_WARN, layer=name),
                fact("rows looked at", worst.readings.rows),
                *learning_evidence(state),
            ),
            layers=[x.facts.name for x in dead],
            confidence=confidence(share, t.DEAD_WARN, 2 if share > t.DEAD_ERROR else 1),
            stage=Stage.NUMERICS if faded else self.stage,
            explains=LEARNING_CURVES if faded else self.explains,
        )


def _fades(case: Case) -> bool:
    """Whether the signal is lost on the way: deep units are then silent since nothing varies."""
    rms = [x.readings.gradient_rms for x in initial_layers(case)]
    return fading([value for value in rms if value is not None]).fades


def _share(case: Case, reading: LayerReadings) -> float:
    rows = case.recipe.train_rows if case.recipe is not None else None
    enough = t.DEAD_ROWS if rows is None else min(t.DEAD_ROWS, max(rows // 2, 32))
    return (reading.silent_share or 0.0) if reading.rows >= enough else 0.0
