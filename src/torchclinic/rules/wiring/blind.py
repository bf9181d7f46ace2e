"""WIR112: the outputs cannot tell the order of the positions, or the size of a row."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, ReachFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import gated, state_of
from torchclinic.rules.knowing import lacking, memorises
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number


@register
class BlindModel(Rule):
    """The model cannot see the order of the positions, or the size of a row.

    ## What it does
    Puts the positions of all sequences into another order, and multiplies rows by 2: it fires
    where a model with attention gives the same outputs for the former, or a model the same for
    the latter although the size of a row tells of its target, and the training suffers.

    ## Why is this bad?
    Attention takes its inputs as a set. Without positions added to them "dog bites man" and "man
    bites dog" are the same, whatever is trained. A row divided by its length has lost that
    length.

    ## Known problems
    Sets and bags of words have no order to see, and directions no size. So long as the model
    learns nothing is said.

    ## Example
    `x = self.embedding(tokens); return self.head(self.encoder(x).mean(1))`

    ## Use instead
    `x = self.embedding(tokens) + self.positions[: tokens.shape[1]]`

    ## References
    Vaswani et al. 2017, arXiv 1706.03762, section 3.5; Zaheer et al. 2017, arXiv 1703.06114.
    """

    code = "WIR112"
    name = "blind-model"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.WIRING
    needs = frozenset({"batch", "recipe"})
    explains = ("LRN101", *LEARNING_CURVES, "CRV103")
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """At most one finding."""
        assert case.batch is not None
        assert case.recipe is not None
        reach, state = case.batch.reach, state_of(case)
        suffers = state.poor or lacking(case) is not None or memorises(case)
        if reach is None or not suffers or not reach.starts:
            return
        if reach.order_blind and case.recipe.model.attention:
            yield self._order(case, reach)
        elif reach.scale_blind and (reach.scale_tells or 0.0) > t.TELLING:
            yield self._scale(case, reach)

    def _order(self, case: Case, reach: ReachFacts) -> Finding:
        state = state_of(case)
        level = gated(state, 2)
        return self.finding(
            Level.WARNING if level is Level.INFO else level,
            "attention without positions: outputs are the same in any order of the tokens",
            f"Putting the {reach.size} positions of every row into another order leaves all "
            "outputs as they were. Attention sees a set; nothing in this model says where a token "
            "stands, so that no order can be learnt. Add position embeddings or encodings to what "
            "enters the first layer.",
            (fact("change of the outputs by another order", 0), *learning_evidence(state)),
            confidence=0.9,
        )

    def _scale(self, case: Case, reach: ReachFacts) -> Finding:
        state = state_of(case)
        tells = reach.scale_tells or 0.0
        return self.finding(
            Level.WARNING,
            "outputs do not depend on the size of a row, which tells of its target",
            "Multiplying a row by 2 leaves its output as it was: something in the forward pass "
            "divides each row by its own length or deviation. Yet that length is correlated with "
            f"the targets {number(tells)} standard deviations beyond chance. Scale the features "
            "over the rows instead, each by its own mean and deviation.",
            (
                above("how far the length tells, in deviations of chance", tells, t.TELLING),
                *learning_evidence(state),
            ),
            confidence=0.85,
        )
