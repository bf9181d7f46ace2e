"""DAT107: classes that come one after the other."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import below, learning_evidence
from torchclinic.rules.grading import gated, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import percent


@register
class UnshuffledClasses(Rule):
    """Batches hold one class after the other, because sorted rows are not shuffled.

    ## What it does
    Compares the entropy of the labels within batches, as they are delivered, with that of random
    batches of the same size.

    ## Why is this bad?
    A batch of one class pulls the model towards answering that class always, the next batch
    towards the next one. What it learnt of the first class is forgotten when the last one comes,
    and BatchNorm's statistics are those of one class.

    ## Known problems
    Small batches of many classes are judged against random batches of that size, so that they
    are no fault. A batch sampler that groups rows on purpose (metric learning) looks the same,
    so it is only an info where the model learns.

    ## Example
    `DataLoader(sorted_by_class, batch_size=32)  # shuffle is False by default`

    ## Use instead
    `DataLoader(sorted_by_class, batch_size=32, shuffle=True)`

    ## References
    Bottou 2012, "Stochastic Gradient Descent Tricks", section 3 (shuffle the examples); Bengio
    2012, arXiv 1206.5533, section 3.1.
    """

    code = "DAT107"
    name = "unshuffled-classes"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = ("CRV101", "CRV102", "CRV103", "CRV104", "LRN101", "LRN102", "GRD102", "ACT101")
    remedies = ("shuffle",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where batches hold far fewer classes than chance would give them."""
        assert case.batch is not None
        labels, state = case.batch.labels, state_of(case)
        if labels is None or labels.mixing is None or labels.mixing >= t.MIXING:
            return
        level = _level(state)
        yield self.finding(
            level,
            f"classes come one after the other: batches are {percent(labels.mixing)} as mixed "
            "as random ones",
            "The entropy of the labels within a batch is "
            f"{percent(labels.mixing)} of what random batches of that size have: the rows are "
            "sorted by class and are not shuffled. Each batch makes the model forget the others.",
            (
                below("entropy of labels in a batch, over chance", labels.mixing, t.MIXING),
                *learning_evidence(state),
            ),
            confidence=0.9,
        )


def _level(state: LearningState) -> Level:
    unseen = state.validation_removed
    if state.fine and unseen is not None and unseen < t.WANTING_UNSEEN:
        return Level.ERROR  # each batch is learnt, and the whole is not
    return gated(state, signals=3)
