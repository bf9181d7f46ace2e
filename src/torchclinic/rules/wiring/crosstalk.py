"""WIR106: the rows of a batch see each other."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import fact, learning_evidence
from torchclinic.rules.grading import exact, state_of
from torchclinic.rules.outputs import outputs_of
from torchclinic.rules.rowwise import met
from torchclinic.rules.rule import Rule, register

_SOME = "Some view, permute, softmax or mean in the forward pass runs over the batch dimension"


@register
class BatchCrosstalk(Rule):
    """A row's output depends on the other rows of its batch, in evaluation mode.

    ## What it does
    Changes one row of a batch and looks whether the outputs of other rows change.

    ## Why is this bad?
    Rows are independent examples. A `view` that mixes the batch dimension with another one, a
    softmax or mean over dimension 0, or a permuted shape lets the model mix answers, and the
    labels no longer belong to the rows that they stand beside.

    ## Known problems
    A model that takes a batch as one set on purpose does the same.

    ## Example
    `x = x.view(-1, 3 * 32 * 32).reshape(features, batch).softmax(0)`

    ## Use instead
    `x = x.flatten(1).softmax(1)`

    ## References
    Karpathy 2019, "A Recipe for Training Neural Networks" (use backprop to chart dependencies).
    """

    code = "WIR106"
    name = "batch-crosstalk"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.WIRING
    needs = frozenset({"batch"})
    explains = ("WIR110", "CRV103", "LRN101", *LEARNING_CURVES)
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where rows influence each other."""
        assert case.batch is not None
        outputs = outputs_of(case)
        if not case.batch.batch_crosstalk or outputs.nonfinite or not outputs.varies:
            return
        state = state_of(case)
        yield self.finding(
            exact(state),
            "the output of a row depends on the other rows of its batch",
            "In evaluation mode, changing one row of a batch changes the outputs of other rows. "
            f"{met(case) or _SOME}, so the model mixes the answers of unrelated rows.",
            (
                fact("rows that influence each other in evaluation mode", 1),
                *learning_evidence(state),
            ),
            confidence=0.95,
        )
