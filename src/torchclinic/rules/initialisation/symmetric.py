"""INI101: the units of a layer start out equal."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, LayerFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import exact, state_of
from torchclinic.rules.initial import is_norm
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent, several, short


@register
class SymmetricInit(Rule):
    """The units of a hidden layer start with equal weights.

    ## What it does
    Looks for hidden layers whose weights are constant (all zero, all one) or of which more than
    half of the units have the same weights as another.

    ## Why is this bad?
    Units that start equal get equal gradients and stay equal: a layer of 100 of them does the
    work of one. With zeros in every layer the signal and the gradient are zero as well.

    ## Known problems
    An output layer or the last layer of a residual block may start at zero; these are left out.
    Dropout breaks the symmetry slowly.

    ## Example
    `nn.init.constant_(layer.weight, 0.0)`

    ## Use instead
    `nn.init.kaiming_normal_(layer.weight); nn.init.zeros_(layer.bias)`

    ## References
    Goodfellow, Bengio & Courville 2016, "Deep Learning", section 8.4; NeuraLint f004.
    """

    code = "INI101"
    name = "symmetric-init"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.INITIALISATION
    needs = frozenset({"recipe"})
    explains = ("INI102", "INI103", "INI105", "LOS105", *NUMERICS, *LEARNING_CURVES)
    remedies = ("reinitialise", "orthogonal-init", "lsuv-init")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for all such layers."""
        assert case.recipe is not None
        found = [layer for layer in case.recipe.model.layers if _symmetric(layer)]
        if not found:
            return
        state, worst = state_of(case), found[0]
        constant = worst.weight_std == 0
        level = Level.INFO if state.near_perfect else exact(state)
        what = (
            f"all weights of {short(worst.name)} start at {number(worst.weight_mean or 0.0)}"
            if constant
            else f"{percent(worst.duplicated_rows)} of the units of {short(worst.name)} start equal"
        )
        units = worst.weight_shape[0]
        yield self.finding(
            level,
            what,
            f"The units of {several([layer.name for layer in found])} start with equal weights, "
            f"get equal gradients and so stay equal: {units} units do the work of one."
            + (" Weights of zero also pass on no gradient." if worst.weight_mean == 0 else ""),
            (
                above(
                    "share of equal units",
                    worst.duplicated_rows if not constant else 1.0,
                    t.DUPLICATED,
                    layer=worst.name,
                ),
                fact(
                    "standard deviation of the weights", worst.weight_std or 0.0, layer=worst.name
                ),
                *learning_evidence(state),
            ),
            layers=[layer.name for layer in found],
            confidence=0.95,
        )


def _symmetric(layer: LayerFacts) -> bool:
    several_units = len(layer.weight_shape) >= 2 and layer.weight_shape[0] >= 2
    if not several_units or is_norm(layer.kind) or "Embedding" in layer.kind:
        return False
    if layer.output or layer.residual:
        return False
    return layer.weight_std == 0 or layer.duplicated_rows > t.DUPLICATED
