"""WIR101: weighted layers in a row with nothing non-linear between them."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, ModelFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import below, fact, learning_evidence
from torchclinic.rules.grading import exact, gated, state_of
from torchclinic.rules.initial import is_norm
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import several, short


@register
class MissingNonlinearity(Rule):
    """Weighted layers follow each other with nothing non-linear between them.

    ## What it does
    Looks at the order of a real forward pass for Linear or Conv layers without a non-linearity
    between them, and tests whether the whole model is an affine map of its input.

    ## Why is this bad?
    Linear maps in a row are one linear map: the additional layers add nothing that one layer
    could not do, so classes that are not linearly separable stay unseparated.

    ## Known problems
    A pair alone may be meant (a bottleneck, a low-rank factor, a projection in attention), so it
    is a warning only where learning suffers. A model with a single weighted layer is not reported.

    ## Example
    `nn.Sequential(nn.Linear(2, 64), nn.Linear(64, 64), nn.Linear(64, 1))`

    ## Use instead
    `nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))`

    ## References
    NeuraLint (Nikanjam et al. 2021), f009; UMLAUT (Schoop et al. 2021).
    """

    code = "WIR101"
    name = "missing-nonlinearity"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.WIRING
    needs = frozenset({"recipe"})
    explains = (*LEARNING_CURVES, "INI102", "LRN101")
    remedies = ("insert-activation",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding: for the whole model where it is affine, else for its linear pairs."""
        assert case.recipe is not None
        model = case.recipe.model
        weighted = [layer for layer in model.layers if not is_norm(layer.kind)]
        if len(weighted) < 2 or not model.order_known:
            return
        if _affine(model, len(weighted)):
            yield self._whole(case, model, len(weighted))
        elif model.linear_pairs:
            yield self._pairs(case, model)

    def _whole(self, case: Case, model: ModelFacts, count: int) -> Finding:
        state = state_of(case)
        residual = model.linearity_residual
        tested = () if residual is None else (below("linearity residual", residual, t.LINEARITY),)
        return self.finding(
            exact(state),
            f"no non-linearity: {count} weighted layers form one linear map",
            f"Nothing non-linear stands between the {count} weighted layers, so together they are "
            "one linear map and can draw no curved boundary. Depth and width add nothing.",
            (*tested, fact("weighted layers", count), *learning_evidence(state)),
            layers=[layer.name for layer in model.layers if not is_norm(layer.kind)],
            confidence=0.95,
        )

    def _pairs(self, case: Case, model: ModelFacts) -> Finding:
        state = state_of(case)
        first, second = model.linear_pairs[0]
        names = [f"{short(a)} and {short(b)}" for a, b in model.linear_pairs]
        return self.finding(
            gated(state, 1),
            f"no non-linearity between {short(first)} and {short(second)}",
            f"Nothing non-linear stands between {several(names)}: each pair does the work of one "
            "linear layer. That is right for a bottleneck and wrong where an activation was "
            "forgotten.",
            (fact("pairs without a non-linearity", len(names)), *learning_evidence(state)),
            layers=[second, first],
            confidence=0.5,
        )


def _affine(model: ModelFacts, weighted: int) -> bool:
    if model.linearity_residual is not None:
        return model.linearity_residual < t.LINEARITY and len(model.linear_pairs) > 0
    bare = all(layer.activation is None for layer in model.layers)
    return bare and len(model.linear_pairs) >= weighted - 1
