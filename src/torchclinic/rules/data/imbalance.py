"""DAT108: a rare class that the model ignores."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, PredictionFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class IgnoredMinority(Rule):
    """A class that is rare in the data is hardly ever recognised.

    ## What it does
    Counts the classes, and asks the trained model about the validation rows class by class. It
    speaks where one class has more than ten times the rows of another and the model recognises
    less than a fifth of the rare one, while it does recognise the common one.

    ## Why is this bad?
    The loss is a sum over rows, so that the rare class hardly counts in it. The accuracy looks
    good, as it does for a model that never answers the rare class.

    ## Known problems
    Where the rare class cannot be told from the others by its inputs, no weight helps. Accuracy
    may fall a little when the rare class is learnt: judge by the recalls, or by a balanced metric.

    ## Example
    `nn.CrossEntropyLoss()  # 950 rows of class 0, 50 of class 1`

    ## Use instead
    `nn.CrossEntropyLoss(weight=counts.sum() / (len(counts) * counts))`

    ## References
    He and Garcia 2009, "Learning from Imbalanced Data", doi 10.1109/TKDE.2008.239; King and Zeng
    2001, "Logistic Regression in Rare Events Data".
    """

    code = "DAT108"
    name = "ignored-minority"
    levels = (Level.WARNING,)
    stage = Stage.DATA
    needs = frozenset({"batch", "predictions"})
    explains = ("CRV101",)
    remedies = ("class-weights",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for the classes that are rare and not recognised."""
        assert case.batch is not None
        assert case.predictions is not None
        counts = case.batch.targets.class_counts
        if len(counts) < 2:
            return
        common = max(counts, key=lambda c: counts[c])
        rare = [c for c in counts if counts[c] * t.IMBALANCE < counts[common]]
        ignored = [c for c in rare if _ignored(case.predictions, c)]
        if not ignored or case.predictions.recalls.get(common, 0.0) <= 0.5:
            return
        worst = min(ignored, key=lambda c: counts[c])
        ratio = counts[common] / max(counts[worst], 1)
        recall = case.predictions.recalls[worst]
        yield self.finding(
            Level.WARNING,
            f"class {worst} is {number(ratio, 2)} times rarer than class {common} and ignored",
            f"Of the validation rows of class {worst} the trained model recognises "
            f"{percent(recall)}, of those of class {common} "
            f"{percent(case.predictions.recalls[common])}. The rare class hardly counts in the "
            "loss, so answering the common one is nearly as good.",
            (
                above("rows of the largest class over this one", ratio, t.IMBALANCE, "times"),
                below("share of its validation rows recognised", recall, t.MINORITY_RECALL),
                fact("classes that are rare and ignored", len(ignored)),
            ),
            confidence=0.75,
        )


def _ignored(predictions: PredictionFacts, label: int) -> bool:
    enough = predictions.counts.get(label, 0) >= t.MINORITY_ROWS
    return enough and predictions.recalls[label] < t.MINORITY_RECALL
