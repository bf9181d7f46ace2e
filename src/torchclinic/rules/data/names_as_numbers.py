"""DAT118: numbers of classes that are trained as values."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, LabelFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, fact
from torchclinic.rules.initial import VALUE_LOSSES, scores_a_row
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class NamesAsNumbers(Rule):
    """The numbers of classes, which are only names, are the targets of a regression.

    ## What it does
    Where a value loss with one output has a few whole numbers for targets, it asks whether the
    numbers mean an order: whether neighbours with unequal targets have adjacent ones, more often
    than if the classes were numbered anew. Where they do not, they are names.

    ## Why is this bad?
    A squared error takes class 7 to be nearer to class 8 than to class 1. Between two classes the
    model answers their mean, which is a third class, and rounding its output gives few right.

    ## Known problems
    Counts, grades and ratings are an order, and a regression suits them. With fewer than five
    classes, or where neighbours hardly ever differ, order and names cannot be told apart; a metric
    called accuracy is then mentioned.

    ## Example
    `loss = nn.MSELoss(); target = digit.float()  # one output`

    ## Use instead
    `loss = nn.CrossEntropyLoss(); target = digit.long()  # one output a class`

    ## References
    Stevens 1946, "On the Theory of Scales of Measurement" (nominal and ordinal scales).
    """

    code = "DAT118"
    name = "names-as-numbers"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.DATA
    needs = frozenset({"batch", "recipe"})
    explains = ("CRV101", "CRV103", "CRV104", "CRV105", "WIR104", "LOS104", "DAT104")
    remedies = ("match-loss",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where whole-number targets of a value loss are names, or may be."""
        assert case.batch is not None
        assert case.recipe is not None
        labels, targets = case.batch.labels, case.batch.targets
        one = scores_a_row(case) in (None, 1)
        if case.recipe.loss_kind not in VALUE_LOSSES or targets.kind != "real" or not one:
            return
        if labels is None or labels.whole is None or not 3 <= labels.whole <= t.NAMES_MOST:
            return
        counted = "accuracy" in (case.recipe.metric or "").lower()
        names = _names(labels)
        if not names and not counted:
            return
        wanted = " The metric counts right classes." if counted else ""
        unordered = (
            f" Neighbours with unequal targets are no nearer in number than in "
            f"{percent(labels.order_chance or 0.0)} of all ways to number the classes: the numbers "
            "are names."
            if names
            else ""
        )
        level = Level.WARNING if names else Level.INFO
        yield self.finding(
            Level.ERROR if names and counted else level,
            f"{labels.whole} class numbers are trained as values",
            f"The targets are {labels.whole} different whole numbers from "
            f"{number(targets.minimum or 0.0)} to {number(targets.maximum or 0.0)}, and "
            f"{case.recipe.loss} takes them for values.{unordered}{wanted} For classes give the "
            "model one output a class and train it by cross-entropy.",
            (
                *names,
                fact("different whole numbers", labels.whole),
                fact("pairs of unequal neighbours", labels.pairs),
            ),
            confidence=0.85 if names else 0.4,
        )


def _names(labels: LabelFacts) -> tuple[Evidence, ...]:
    """Evidence that the numbers are names; () where they may be an order."""
    if labels.order_chance is None or labels.whole is None or labels.likeness is None:
        return ()
    if labels.whole < t.NAMES_FEWEST or labels.pairs < t.NAMES_PAIRS:
        return ()
    if not (labels.order_chance > t.NAMES_CHANCE and labels.likeness > t.NAMES_KNOWN):
        return ()
    return (
        above("share of numberings that are as orderly", labels.order_chance, t.NAMES_CHANCE),
        above("correlation with neighbours' numbers", labels.likeness, t.NAMES_KNOWN),
    )
