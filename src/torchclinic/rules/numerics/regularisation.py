"""REG101: the penalty outweighs the data."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import Case, RecipeFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.core.trace import GRADIENT_NORM, WEIGHT_NORM, Trace
from torchclinic.functional.progress import Progress
from torchclinic.functional.robust import finite, median
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import INITIAL, LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import above, below, fact, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.knowing import lacking
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.traced import deep_layers
from torchclinic.rules.wording import number, percent


@register
class RegularisationDominates(Rule):
    """A penalty, weight decay or dropout is so strong that the data cannot be learnt.

    ## What it does
    Looks for weights that shrink to less than 30 % of their initial size under a penalty or weight
    decay, and for a dropout of more than 70 %, in a training that learns badly.

    ## Why is this bad?
    The penalty's gradient points towards zero at every step. Where it outweighs that of the data,
    the weights shrink until the outputs are constant, whatever the data say.

    ## Known problems
    Weights that shrink are no fault in themselves: nets with normalisation layers learn well with
    small weights. A training that learns is not reported.

    ## Example
    `SGD(model.parameters(), lr=0.1, weight_decay=0.5)`

    ## Use instead
    `AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)`

    ## References
    TheDeepChecker (Ben Braiek & Khomh 2023), regularisation over data; Loshchilov & Hutter 2019,
    arXiv 1711.05101.
    """

    code = "REG101"
    name = "regularisation-dominates"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.NUMERICS
    needs = frozenset({"recipe"})
    any_of = ("history", "trace")
    explains = (
        "INI103",
        *(code for code in NUMERICS if code != "REG101"),
        *LEARNING_CURVES,
    )
    remedies = ("weaken-penalty", "weight-decay", "dropout")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for shrinking weights, else one for extreme dropout."""
        assert case.recipe is not None
        state = state_of(case)
        ignorant = lacking(case) is not None
        if not (state.poor or ignorant):
            return
        lost = state.progress is Progress.DIVERGED
        shrunk = _shrink(case.trace)
        declared = bool(case.recipe.penalties) or case.recipe.optimizer.weight_decay > 0
        penalised = declared or (ignorant and _writes_its_loss(case.recipe))
        dropout = case.recipe.model.dropout or 0.0
        held = _held(case)
        if held is not None and not lost:
            yield self._bound(case, case.recipe, held)
        elif penalised and not lost and shrunk is not None and shrunk < t.SHRINK:
            yield self._shrinks(case, case.recipe, shrunk)
        elif dropout > t.DROPOUT and state.poor:
            extreme = above("largest dropout", dropout, t.DROPOUT)
            yield self.finding(
                gated(state, 2 if dropout > t.DROPOUT_EXTREME else 1),
                f"dropout of {percent(dropout)} in a training that learns badly",
                f"A dropout layer removes {percent(dropout)} of its units at every step, so that "
                "the model never sees enough of its own signal to fit the data.",
                (extreme, *learning_evidence(state)),
                confidence=confidence(dropout, t.DROPOUT, 1),
                stage=Stage.WIRING,  # it is built into the model, and all numbers follow from it
                explains=(*INITIAL, *self.explains),
                remedies=("dropout", "weaken-penalty"),
            )

    def _bound(self, case: Case, recipe: RecipeFacts, held: float) -> Finding:
        state, limit = state_of(case), recipe.max_norm or 0.0
        level = gated(state, 3)
        return self.finding(
            Level.WARNING if level is Level.INFO else level,
            f"max_norm {number(limit)} holds the weights at {percent(held)} of their initial size",
            f"The max-norm constraint lets no unit's weights grow beyond a norm of {number(limit)}."
            f" It is met to the limit by the median layer at every reading, at {percent(held)} of "
            "the size with which the weights began, so that no update can make anything of them. "
            "Norms of 3 to 4 are usual.",
            (
                below("weight norm over that at the start", held, t.SHRINK),
                fact("max_norm", limit),
                *learning_evidence(state),
            ),
            confidence=0.9,
            explains=(*INITIAL, *(c for c in NUMERICS if c != "REG101"), *LEARNING_CURVES),
            remedies=(),
        )

    def _shrinks(self, case: Case, recipe: RecipeFacts, shrunk: float) -> Finding:
        state = state_of(case)
        signs = (*_penalties(recipe), *_pull(case.trace, recipe))
        decay = recipe.optimizer.weight_decay
        source = ", ".join(recipe.penalties) or (
            f"weight decay {number(decay)}" if decay else "a loss of its own"
        )
        level = gated(state, 1 + len(signs))
        return self.finding(
            Level.WARNING if level is Level.INFO else level,
            f"the penalty shrinks the weights to {percent(shrunk)} of their initial size",
            f"Under {source} the weights of the median layer fall to {percent(shrunk)} of where "
            "they began, while the loss of the data does not: the pull towards zero outweighs what "
            "the data say.",
            (
                below("weight norm, end over start", shrunk, t.SHRINK),
                *signs,
                *learning_evidence(state),
            ),
            confidence=confidence(shrunk, t.SHRINK, 1 + len(signs)),
        )


def _held(case: Case) -> float | None:
    """Size of the weights under a max-norm that binds, over that before training."""
    limit = case.recipe.max_norm if case.recipe is not None else None
    if limit is None or case.recipe is None:
        return None
    shares: list[float] = []
    full: list[float] = []
    for layer in deep_layers(case.trace):
        built, values = case.recipe.model.layer(layer.name), finite(layer[WEIGHT_NORM].values)
        if built is None or not built.weight_std or len(built.weight_shape) < 2 or not values:
            continue
        start = built.weight_std * math.sqrt(math.prod(built.weight_shape))
        shares.append(values[-1] / start)
        full.append(values[-1] / (limit * math.sqrt(built.weight_shape[0])))
    bound = bool(full) and median(full) > t.MAX_NORM_MET
    return median(shares) if bound and median(shares) < t.SHRINK else None


def _writes_its_loss(recipe: RecipeFacts) -> bool:
    """Whether the loss is the user's own code, in which a penalty may be hidden."""
    return recipe.custom_step or recipe.loss_kind == "custom"


def _shrink(trace: Trace | None) -> float | None:
    """Weight norm at the end over the start, median over the layers."""
    ratios: list[float] = []
    for layer in deep_layers(trace):
        values = finite(layer[WEIGHT_NORM].values)
        if len(values) >= 2 and values[0] > 0:
            ratios.append(values[-1] / values[0])
    return median(ratios) if ratios else None


def _pull(trace: Trace | None, recipe: RecipeFacts) -> Iterable[Evidence]:
    """Weight decay times the weights over the gradient of the data, median layer and reading."""
    decay = recipe.optimizer.weight_decay
    shares = [
        decay * weight / gradient
        for layer in deep_layers(trace)
        for weight, gradient in zip(
            layer[WEIGHT_NORM].values, layer[GRADIENT_NORM].values, strict=False
        )
        if gradient > 0 and weight >= 0
    ]
    if shares and median(shares) > t.PENALTY_SHARE:
        yield above("pull of the weight decay over the gradient", median(shares), t.PENALTY_SHARE)


def _penalties(recipe: RecipeFacts) -> Iterable[Evidence]:
    if recipe.optimizer.weight_decay > 0:
        yield fact("weight decay of the optimizer", recipe.optimizer.weight_decay)
    if recipe.penalties:
        yield fact("penalties added to the loss", len(recipe.penalties))
