"""WIR105: a softmax between hidden layers."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules.consequences import INITIAL, LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import fact, learning_evidence
from torchclinic.rules.grading import gated, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import several, short


@register
class InnerSoftmax(Rule):
    """A softmax stands between hidden layers.

    ## What it does
    Finds a softmax after a hidden layer, outside of attention.

    ## Why is this bad?
    A softmax makes the units of a layer compete for a sum of 1: of 100 units each passes on about
    0.01, so that signal and gradient shrink by the width of the layer, and one unit can only
    grow at the expense of all others.

    ## Known problems
    Gates of a mixture of experts and hand-written attention use one on purpose; where the
    training learns it is only an info.

    ## Example
    `nn.Sequential(nn.Linear(64, 100), nn.Softmax(1), nn.Linear(100, 10))`

    ## Use instead
    `nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))`

    ## References
    NeuraLint (Nikanjam et al. 2021); Humbatova et al. 2020, "Taxonomy of Real Faults in Deep
    Learning Systems" (wrong type of activation function).
    """

    code = "WIR105"
    name = "inner-softmax"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.WIRING
    needs = frozenset({"recipe"})
    explains = (*INITIAL, *NUMERICS, *LEARNING_CURVES)
    remedies = ("remove-inner-softmax", "relu-activations")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for all such layers."""
        assert case.recipe is not None
        names = case.recipe.model.inner_softmax
        if not names:
            return
        state = state_of(case)
        layer = case.recipe.model.layer(names[0])
        width = layer.weight_shape[0] if layer is not None and layer.weight_shape else None
        passes = "" if width is None else f" Each of its {width} units passes on about 1/{width}."
        yield self.finding(
            gated(state, 2),
            f"softmax between hidden layers, after {short(names[0])}",
            f"A softmax follows {several(names)}, which is neither the output nor "
            f"attention.{passes} Signal and gradient shrink by the width of the layer.",
            (fact("softmaxes between layers", len(names)), *learning_evidence(state)),
            layers=names,
            confidence=0.9,
        )
