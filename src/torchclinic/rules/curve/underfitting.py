"""CRV105: a model that knows less than the neighbours of a row do."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, fact
from torchclinic.rules.grading import state_of
from torchclinic.rules.knowing import known_by_neighbours, lacking, skill_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import percent


@register
class Underfitting(Rule):
    """The model learns much less than the inputs tell.

    ## What it does
    Compares what the trained model knows of rows that it has not seen with what the nearest
    neighbours of a row tell: both as a share of what is beyond a constant prediction. It speaks
    where the neighbours know far more, and the model is as far from them on its own rows.

    ## Why is this bad?
    The loss may fall all the same, when something other than the data makes most of it: a penalty
    that is written into it, a term of another scale, a loss that does not ask for what the metric
    counts. Or the model is too small, or stops too early.

    ## Known problems
    It names a symptom; causes are ranked above it. Neighbours are a poor yardstick for text and
    for pictures whose objects move, where they know little, so that the rule stays silent.

    ## Example
    `loss = cross_entropy(model(x), y) + 1.0 * sum(p.abs().sum() for p in model.parameters())`

    ## Use instead
    A weaker penalty, a wider model, more epochs, or the loss that the metric asks for.

    ## References
    Cover and Hart 1967 (the nearest neighbour errs at most twice as often as the best classifier);
    Karpathy 2019, "A Recipe for Training Neural Networks" (overfit first).
    """

    code = "CRV105"
    name = "underfitting"
    levels = (Level.WARNING,)
    stage = Stage.CURVE
    needs = frozenset({"batch", "recipe"})
    any_of = ("history", "trace")
    explains = ()
    remedies = ("learning-rate", "adamw", "weaken-penalty", "match-loss", "batch-norm")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where neighbours know far more than the model."""
        assert case.batch is not None
        state, gap = state_of(case), lacking(case)
        if gap is None or not state.known or state.hurt:
            return
        known, skill = known_by_neighbours(case) or 0.0, skill_of(case) or 0.0
        yield self.finding(
            Level.WARNING,
            f"knows {percent(max(skill, 0.0))} of what can be known, a row's neighbours "
            f"{percent(known)}",
            "Of what lies between a constant prediction and a perfect one, the trained model "
            f"reaches {percent(max(skill, 0.0))} on rows that it has not seen, and no more on its "
            f"own. The nearest neighbours of a row, without any training, tell {percent(known)}. "
            "So the inputs hold more than the model learns: look for a term of the loss that is "
            "not about the data, for a loss that asks for something else, for too small a model, "
            "or for too few or too small steps.",
            (
                above("neighbours' skill over the model's", gap, t.UNDERFIT_NEIGHBOURS),
                fact("skill of the model on validation rows", skill),
            ),
            confidence=0.5,
        )
