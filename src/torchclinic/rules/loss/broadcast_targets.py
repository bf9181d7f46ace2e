"""LOS106: outputs and targets of different shapes that broadcast against each other."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules.consequences import LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import fact, learning_evidence
from torchclinic.rules.grading import exact, state_of
from torchclinic.rules.initial import SCORE_LOSSES
from torchclinic.rules.outputs import loss_kind, outputs_of
from torchclinic.rules.rowwise import met
from torchclinic.rules.rule import Rule, register


@register
class BroadcastTargets(Rule):
    """Outputs and targets have different shapes, and the loss compares every row with every other.

    ## What it does
    Fires where the shapes of output and target differ but broadcast, most often (N, 1) and (N,).

    ## Why is this bad?
    Their difference has the shape (N, N): each prediction is compared with the targets of all
    rows. The best answer is then the mean of the targets for every row, so the model learns a
    constant and the loss stops at the targets' variance.

    ## Known problems
    A batch of one row hides it.

    ## Example
    `F.mse_loss(model(x), y)  # model(x): (64, 1), y: (64,)`

    ## Use instead
    `F.mse_loss(model(x).squeeze(1), y)`

    ## References
    torch.nn.MSELoss warns of it; Humbatova et al. 2020, "Taxonomy of Real Faults in Deep
    Learning Systems" (wrong tensor shape).
    """

    code = "LOS106"
    name = "broadcast-targets"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.WIRING
    needs = frozenset({"batch"})
    explains = ("DAT104", "LOS105", *NUMERICS, *LEARNING_CURVES, "CRV103")
    remedies = ("match-loss",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where the shapes broadcast and the loss compares element by element."""
        assert case.batch is not None
        outputs, targets = outputs_of(case), case.batch.targets
        by_class = loss_kind(case) in SCORE_LOSSES and loss_kind(case) in ("cross-entropy", "nll")
        if not outputs.broadcasts or by_class:
            return
        state = state_of(case)
        yield self.finding(
            exact(state),
            f"targets broadcast: output {_shape(outputs.shape)}, target {_shape(targets.shape)}",
            f"The output has the shape {_shape(outputs.shape)} and the target "
            f"{_shape(targets.shape)}, so the loss compares every prediction with the target of "
            f"every row. The best answer to that is one constant for all rows.{_made(case)}",
            (
                fact("dimensions of the output", len(outputs.shape)),
                fact("dimensions of the target", len(targets.shape)),
                *learning_evidence(state),
            ),
            confidence=0.97,
        )


def _made(case: Case) -> str:
    """Where the output got a second axis of rows, if it did in the forward pass."""
    line = met(case)
    return f" It comes from the forward pass: {line}." if line else ""


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"
