"""DAT103: labels that the loss or the output layer cannot take."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, TargetFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.rules.consequences import EVERYTHING_LATER
from torchclinic.rules.evidence import fact, learning_evidence
from torchclinic.rules.grading import exact, state_of
from torchclinic.rules.initial import scores_a_row
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number

IGNORED_CLASS = -100  # torch's default ignore_index
FEWEST_ROWS = 32  # rows from which a single class cannot be chance


@register
class LabelRange(Rule):
    """The targets lie outside of what the loss or the output layer can take.

    ## What it does
    Compares the targets with the loss: class numbers must lie in [0, C) for C scores, targets of
    a binary cross-entropy in [0, 1], targets of a hinge loss at -1 and +1. It also reports
    targets that are all the same; NaN among them is reported by DAT102.

    ## Why is this bad?
    A class number outside of [0, C) ends the training with an index error, or reads memory that
    is not its own on a GPU. A binary cross-entropy with targets above 1 has no minimum: the loss
    falls forever and the scores run away.

    ## Known problems
    -100 is taken for torch's `ignore_index`. Class numbers that start at 1 with one score too
    many train well and are only mentioned.

    ## Example
    `loss = nn.CrossEntropyLoss(); labels = torch.tensor([1, 2, 3])  # three scores`

    ## Use instead
    `labels = labels - 1`

    ## References
    torch.nn.CrossEntropyLoss and BCELoss; DeepLocalize (Wardat et al. 2021), wrong label encoding.
    """

    code = "DAT103"
    name = "label-range"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = (*EVERYTHING_LATER, "LOS103", "LOS104", "LOS107")
    remedies = ("fix-labels",)

    def check(self, case: Case) -> Iterable[Finding]:
        """At most one finding: the gravest thing about the labels."""
        assert case.batch is not None
        targets = case.batch.targets
        if targets.minimum is None or targets.maximum is None:
            return
        kind = case.recipe.loss_kind if case.recipe is not None else "custom"
        if kind in ("cross-entropy", "nll") and targets.kind in ("classes", "binary"):
            yield from self._classes(case, targets.minimum, targets.maximum)
        elif kind in ("bce", "bce-with-logits"):
            yield from self._probabilities(case, targets.minimum, targets.maximum)
        elif kind == "hinge" and scores_a_row(case) in (None, 1) and targets.minimum >= 0:
            yield self._broken(
                case,
                f"hinge loss with targets {number(targets.minimum)} to {number(targets.maximum)}",
                "A hinge loss asks for the targets -1 and +1. With 0 as a target the product of "
                "target and score is 0, so these rows give no gradient.",
                fact("smallest target", targets.minimum),
            )
        by_step = case.recipe is not None and case.recipe.custom_step
        yield from self._single_value(targets, read=not by_step)

    def _broken(self, case: Case, title: str, text: str, *evidence: Evidence) -> Finding:
        state = state_of(case)
        facts = (*evidence, *learning_evidence(state))
        return self.finding(exact(state), title, text, facts, confidence=0.97)

    def _classes(self, case: Case, low: float, high: float) -> Iterable[Finding]:
        classes = scores_a_row(case)
        if classes is None or classes < 2:
            return
        if high >= classes or (low < 0 and low != IGNORED_CLASS):
            wrong = high if high >= classes else low
            yield self._broken(
                case,
                f"label {wrong:.0f} is outside 0..{classes - 1} of the {classes} outputs",
                f"The labels run from {low:.0f} to {high:.0f}, but the model has {classes} outputs "
                f"and the loss takes only the class numbers 0 to {classes - 1}.",
                fact("smallest label", low),
                fact("largest label", high),
                fact("outputs", classes),
            )
        elif low == 1 and high == classes - 1 and classes > 2:
            yield self.finding(
                Level.INFO,
                f"labels run from 1 to {high:.0f}: output 0 is never used",
                f"No sampled row has class 0, so one of the {classes} outputs only learns to stay "
                "silent. Nothing breaks, but labels that start at 0 would need one output less.",
                (fact("smallest label", low), fact("outputs", classes)),
            )

    def _probabilities(self, case: Case, low: float, high: float) -> Iterable[Finding]:
        if low < 0 or high > 1:
            yield self._broken(
                case,
                f"binary cross-entropy with targets from {number(low)} to {number(high)}",
                f"The targets span {number(low)} to {number(high)}, and a binary cross-entropy is "
                "only defined for targets in [0, 1]. Outside of it the loss has no minimum and "
                "can fall without end.",
                fact("smallest target", low),
                fact("largest target", high),
            )

    def _single_value(self, targets: TargetFacts, *, read: bool) -> Iterable[Finding]:
        rows = targets.shape[0] if targets.shape else 0
        if rows >= FEWEST_ROWS and targets.minimum == targets.maximum:
            yield self.finding(
                Level.WARNING if read else Level.INFO,  # a step need not read them
                f"all targets are {number(targets.minimum or 0.0)}",
                f"The {rows:,} sampled targets have one and the same value: a constant predicts "
                "them all, so there is nothing to learn. Look at how the labels are read.",
                (fact("distinct targets", 1),),
                confidence=0.9,
            )
