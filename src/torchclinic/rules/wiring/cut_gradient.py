"""WIR115: early steps move the outputs and get no gradient."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import below, fact, learning_evidence
from torchclinic.rules.grading import gated, state_of
from torchclinic.rules.knowing import lacking, memorises
from torchclinic.rules.reach import Part, spans
from torchclinic.rules.rule import Rule, register


@register
class CutGradient(Rule):
    """No gradient goes back from one time step to those before it.

    ## What it does
    Exchanges time steps between rows, which shows that they move the outputs, and asks for the
    gradient of the last output at each of them. It fires where nearly all steps move it and at
    most two of them get a gradient that is not exactly 0. The line that cuts most often is named.

    ## Why is this bad?
    A recurrent net learns what to remember from gradients that come back through its state. A
    `detach()`, `.data`, `.item()`, a way through numpy or a `torch.no_grad()` at each step leaves
    the memory as it was drawn: only the last step learns, from whatever happens to be left there.

    ## Known problems
    Detaching the state between batches, or once in many steps, is truncated backpropagation and
    goes unsaid. Where the training learns well all the same it is only an info.

    ## Example
    `for t in range(steps): state = self.cell(x[:, t], state.detach())`

    ## Use instead
    `for t in range(steps): state = self.cell(x[:, t], state)  # and detach between batches`

    ## References
    Williams & Peng 1990, doi:10.1162/neco.1990.2.4.490 (truncated backpropagation); torch.autograd,
    "Locally disabling gradient computation".
    """

    code = "WIR115"
    name = "cut-gradient"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.WIRING
    needs = frozenset({"batch"})
    explains = ("LRN101", "LRN102", "GRD101", "GRD103", "INI103", *LEARNING_CURVES, "CRV103")
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where what moves the outputs gets no gradient."""
        assert case.batch is not None
        cut = case.batch.cut
        if cut is None or cut.kept >= t.CUT_KEPT:
            return
        blocked = [Part(first, end, 0.0, 0.0, 0.0) for first, end in cut.blocked]
        steps = sum(end - first for first, end in cut.blocked)
        if steps < t.CUT_STEPS:
            return
        state = state_of(case)
        suffers = state.poor or lacking(case) is not None or memorises(case)
        level = gated(state, 2)
        place = f" The gradient ends at {cut.line}." if cut.line else ""
        yield self.finding(
            Level.WARNING if suffers and level is Level.INFO else level,
            f"no gradient reaches time steps {spans(blocked)}, which move the outputs",
            f"Exchanging time steps {spans(blocked)} between rows changes the outputs, yet their "
            f"gradient is exactly 0: of {cut.positions} steps {_kept(cut.kept)} one.{place} What "
            "the state should carry from step to step is never learnt. Take the detach, .data, "
            ".item(), numpy or no_grad out of the loop over the steps; between batches it belongs.",
            (
                below("time steps that get a gradient", cut.kept, t.CUT_KEPT),
                fact("time steps that move the outputs and get none", steps),
                *learning_evidence(state),
            ),
            confidence=0.95,
        )  # fmt: skip


def _kept(count: int) -> str:
    return "only the last gets" if count == 1 else f"{count} get"
