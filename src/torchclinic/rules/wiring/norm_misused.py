"""WIR109: a normalisation layer that cannot do its work."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, NormFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import INITIAL, LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import above, below, fact, learning_evidence
from torchclinic.rules.grading import gated, state_of
from torchclinic.rules.knowing import lacking
from torchclinic.rules.modes import mode_gap, modes_differ
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent, several, short


@register
class NormMisused(Rule):
    """A normalisation layer is used in a way in which it cannot work.

    ## What it does
    Finds a LayerNorm or GroupNorm over a single number, a BatchNorm that stays in evaluation mode
    while the model trains, and a BatchNorm whose means are taken over a few numbers only. Where a
    model with BatchNorm costs far more in evaluation mode than in training mode *on its own
    training rows*, its running statistics do not fit, and the finding says why.

    ## Why is this bad?
    The mean of one number is that number, so that the output is 0 whatever the input was. A
    BatchNorm in evaluation mode divides by its running statistics, which nobody updates. Over two
    rows each unit is +1 in one and -1 in the other, and its gradient is close to 0. Running
    statistics with momentum 0 are never updated, with momentum 1 they are those of the last batch.

    ## Known problems
    A BatchNorm of a pretrained body is often kept in evaluation mode on purpose: where its running
    statistics are not those of a new layer nothing is said.

    ## Example
    `nn.BatchNorm2d(16, momentum=0.0)  # torch's momentum is 1 minus that of Keras`

    ## Use instead
    `nn.BatchNorm2d(16, momentum=0.1)`

    ## References
    Ioffe & Szegedy 2015, arXiv 1502.03167; Wu & He 2018, arXiv 1803.08494 (small batches); Ba et
    al. 2016, arXiv 1607.06450.
    """

    code = "WIR109"
    name = "norm-misused"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.WIRING
    needs = frozenset({"recipe"})
    explains = ("WIR102", *INITIAL, *NUMERICS, *LEARNING_CURVES, "CRV103")
    remedies = ("layer-norm",)

    def check(self, case: Case) -> Iterable[Finding]:
        """At most one finding: the plainest."""
        assert case.recipe is not None
        norms = case.recipe.model.norm_layers
        erasing = [n for n in norms if n.values == 1 and n.kind in ("LayerNorm", "GroupNorm")]
        asleep = [norm for norm in norms if norm.asleep and norm.untouched]
        counting = [norm for norm in norms if norm.momentum is not None]
        few = [n for n in norms if "Batch" in n.kind and 0 < (n.values or 0) < t.FEW_IN_MEAN]
        if erasing:
            yield self._erases(case, erasing)
        elif asleep:
            yield self._sleeps(case, asleep)
        elif counting and modes_differ(case):
            yield self._unfit(case, counting)
        elif few and (state_of(case).poor or lacking(case) is not None):
            yield self._few(case, few)

    def _erases(self, case: Case, norms: list[NormFacts]) -> Finding:
        state = state_of(case)
        return self.finding(
            Level.INFO if state.fine else Level.ERROR,
            f"{norms[0].kind} {short(norms[0].name)} normalises a single number: it is always 0",
            f"{several([norm.name for norm in norms])} subtracts the mean of one number from that "
            "number. What it gives is 0 (or its bias) for every row, so everything before it is "
            "erased and gets no gradient. Take the statistics over the rows, in the data, or over "
            "several features.",
            (fact("numbers behind each mean", 1), *learning_evidence(state)),
            layers=[norm.name for norm in norms],
            confidence=0.98,
        )

    def _sleeps(self, case: Case, norms: list[NormFacts]) -> Finding:
        state = state_of(case)
        return self.finding(
            gated(state, 2),
            f"{norms[0].kind} {short(norms[0].name)} stays in evaluation mode while it trains",
            f"After model.train(), {several([norm.name for norm in norms])} is still in evaluation "
            "mode, and its running statistics are those of a new layer, mean 0 and variance 1. So "
            "it normalises nothing: its inputs keep whatever scale they have. Look for an eval() "
            "in the model or for a train() that is overridden; weights that were pretrained must "
            "be loaded with their statistics.",
            (fact("layers in evaluation mode", len(norms)), *learning_evidence(state)),
            layers=[norm.name for norm in norms],
            confidence=0.9,
        )

    def _unfit(self, case: Case, norms: list[NormFacts]) -> Finding:
        state, gap = state_of(case), mode_gap(case) or 0.0
        unseen = state.validation_removed if state.validation_removed is not None else 0.0
        level = Level.ERROR if unseen < t.PLATEAU_WARN else Level.WARNING
        seen = case.history.last("train") if case.history is not None else None
        cost = number(0.0 if seen is None else seen.loss)
        return self.finding(
            Level.INFO if state.near_perfect and unseen > t.WANTING else level,
            f"running statistics do not fit: loss {cost} in evaluation mode, "
            f"{number(state.final or 0.0)} in training mode",
            f"On rows that it is trained on the model costs {number(state.final or 0.0)} in "
            f"training mode and {cost} in evaluation mode, where {several([n.name for n in norms])}"
            f" uses running statistics: these do not fit. {_why(case, norms)}",
            (
                above("loss in evaluation minus training mode, of the constant's", gap, t.MODE_GAP),
                *(fact("momentum", norm.momentum or 0.0, layer=norm.name) for norm in norms[:1]),
                *learning_evidence(state),
            ),
            layers=[norm.name for norm in norms],
            confidence=0.95,
        )

    def _few(self, case: Case, norms: list[NormFacts]) -> Finding:
        state, values = state_of(case), norms[0].values or 0
        rows = case.recipe.batch_size if case.recipe is not None else None
        of = "" if rows is None else f", in batches of {rows} rows"
        return self.finding(
            Level.WARNING,
            f"{norms[0].kind} {short(norms[0].name)} takes its means over {values} numbers",
            f"{several([norm.name for norm in norms])} normalises each unit by the mean and the "
            f"deviation of {values} numbers{of}. Over two numbers every unit is +1 and -1, "
            "whatever the rows were, and its gradient is close to 0; over a few it is mostly "
            "noise. Use batches of 16 rows and more, or LayerNorm or GroupNorm.",
            (
                below("numbers behind each mean", values, t.FEW_IN_MEAN, layer=norms[0].name),
                *learning_evidence(state),
            ),
            layers=[norm.name for norm in norms],
            confidence=0.85,
        )


def _why(case: Case, norms: list[NormFacts]) -> str:
    momentum = norms[0].momentum or 0.0
    steps = len(case.history.losses) if case.history is not None else 0
    if momentum == 0:
        return (
            "Their momentum is 0: torch never updates them then. Its momentum is the share of the "
            "new batch, 1 minus what other libraries call so; 0.1 is usual."
        )
    if momentum >= t.MOMENTUM_OF_NORM:
        return f"Their momentum is {number(momentum)}: they are those of the last batch alone."
    learnt = 1 - (1 - momentum) ** steps
    if learnt < t.MOMENTUM_OF_NORM:
        return (
            f"Their momentum is {number(momentum)}: after {steps:,} updates they are still "
            f"{percent(1 - learnt)} of what a new layer starts with."
        )
    values = norms[0].values
    if values is not None and values < t.FEW_IN_MEAN:
        return f"Each batch's statistics are taken over {values} numbers, which is mostly noise."
    return (
        "Batches may differ from each other (one class or source a batch), or the model may be "
        "written to do something else in evaluation mode."
    )
