"""INI106: a residual stream that grows from block to block."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import confidence, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.start import (
    follows,
    growing_stream,
    level_of_start,
    proof,
    told,
    too_sure,
)
from torchclinic.rules.wording import number, short, times


@register
class GrowingStream(Rule):
    """Each residual block multiplies the signal, before any training.

    ## What it does
    Follows the standard deviation of the residual stream through the untrained net: what the first
    shortcut starts from, and each sum of a shortcut and a branch. It fires where the sums of the
    second half multiply it by more than 1.2 each and the last is more than 30 times as large as
    the start. Where the training learns little, it is made once more with smaller branches.

    ## Why is this bad?
    A branch as large as what it is added to doubles the variance. After 24 such blocks the signal
    is 4,000 times as large, the scores with it, and so is the gradient of the first blocks.

    ## Known problems
    Branches that begin with a norm add one and the same size each: the stream then grows with the
    root of the number of blocks, which is usual and is not reported.

    ## Example
    `x = x + conv2(relu(conv1(x)))  # 24 times, weights of He et al. in each`

    ## Use instead
    `nn.init.zeros_(block.conv2.weight)  # or a norm in each branch, or a factor of 1/sqrt(blocks)`

    ## References
    Zhang et al. 2019, arXiv 1901.09321 (Fixup); De & Smith 2020, arXiv 2002.10444 (SkipInit);
    He et al. 2016, arXiv 1603.05027.
    """

    code = "INI106"
    name = "growing-stream"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.INITIALISATION
    needs = frozenset({"batch", "recipe"})
    explains = (
        *("INI102", "INI103", "INI104", "INI105", "LOS105", "GRD101", "GRD102", "NUM101"),
        *("ACT101", "LRN101", "LRN102", "CRV103", *LEARNING_CURVES),
    )
    remedies = ("lsuv-init", "batch-norm", "reinitialise")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where the stream is multiplied from sum to sum."""
        stream = growing_stream(case)
        if stream is None or case.batch is None or case.batch.start is None:
            return
        state, branches = state_of(case), case.batch.start.branches
        growth, sure = stream.last / stream.first, tuple(too_sure(case))
        where = f", such as {short(branches[-1])}," if branches else ""
        yield self.finding(
            level_of_start(case, 2 + len(sure)),
            f"untrained: {stream.sums} residual sums make the signal {times(growth)} larger",
            f"Before training the residual stream has a standard deviation of "
            f"{number(stream.first)} and, after {stream.sums} sums, of {number(stream.last)}: each "
            f"multiplies it by about {number(stream.per_sum)}, since each branch is as large as "
            f"what it is added to. Let the last layer of each branch{where} start at or near 0, or "
            f"put a norm into the branch.{told(case)}",
            (
                above("factor a residual sum", stream.per_sum, t.STREAM_PER_SUM),
                above("stream after the last sum over before the first", growth, t.STREAM_GROWTH),
                fact("residual sums", stream.sums),
                *sure,
                *proof(case),
                *learning_evidence(state),
            ),
            layers=branches[-1:],
            confidence=confidence(growth, t.STREAM_GROWTH, 2),
            explains=follows(case, self.explains),
        )
