"""LOS108: the loss says nothing of the rows of a label."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, LossFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import state_of
from torchclinic.rules.loss.named_losses import silent_labels
from torchclinic.rules.outputs import loss_kind
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import percent


@register
class SilentLabel(Rule):
    """The loss asks nothing of all rows that have one label.

    ## What it does
    Looks at the gradient of the loss at the output, row by row, for the model's own outputs and
    for random ones. It fires where every row of a label has a gradient of exactly 0 whatever the
    output was, while rows of other labels have one.

    ## Why is this bad?
    Rows without a gradient have no part in the training: the model is free to answer anything for
    them, and mostly answers what the other labels want. A hinge `max(0, 1 - y * output)` with
    labels 0 and 1 is the usual case: for y = 0 it is 1, whatever the output.

    ## Known problems
    A label may be left out on purpose (rows without a label, padding): negative labels are not
    reported, nor what a cross-entropy's `weight` or `ignore_index` leaves out, which DAT108 and
    DAT103 look at.

    ## Example
    `loss = lambda output, y: (1 - y * output).clamp(min=0).mean()  # y is 0 or 1`

    ## Use instead
    `loss = lambda output, y: (1 - (2 * y - 1) * output).clamp(min=0).mean()`

    ## References
    torch.nn.HingeEmbeddingLoss, torch.nn.SoftMarginLoss: labels of -1 and 1.
    """

    code = "LOS108"
    name = "silent-label"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.WIRING
    needs = frozenset({"batch"})
    explains = ("LOS103", *NUMERICS, *LEARNING_CURVES, "CRV103", "CRV106")
    remedies = ("match-loss",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for all such labels."""
        assert case.batch is not None
        given = case.batch.loss
        if given is None or loss_kind(case) in ("cross-entropy", "nll"):
            return
        share = _share(given)
        if share is None or share <= t.SILENT_ROWS:
            return
        state = state_of(case)
        yield self.finding(
            Level.ERROR if len(given.rows) == 2 else Level.WARNING,
            f"the loss says nothing of rows with label {silent_labels(given)}",
            f"At every output that was tried, the gradient of the loss is exactly 0 for all rows "
            f"with label {silent_labels(given)}, {percent(share)} of all rows. They cannot be "
            "learnt: the model may answer anything for them. A hinge or margin loss wants labels "
            "-1 and 1; a product with a label of 0 removes the row.",
            (
                above("share of the rows without a gradient", share, t.SILENT_ROWS),
                fact("labels", len(given.rows)),
                *learning_evidence(state),
            ),
            confidence=0.95,
        )


def _share(given: LossFacts) -> float | None:
    """Share of the rows whose labels, none of them negative, are silent altogether."""
    whole = all(rows == given.rows.get(label) for label, rows in given.silent.items())
    some_speak = 0 < len(given.silent) < len(given.rows)
    if not whole or not some_speak or min(given.silent) < 0:
        return None
    return sum(given.silent.values()) / sum(given.rows.values())
