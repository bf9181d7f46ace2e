"""GRD103: early time steps are forgotten on the way to the output."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import below, fact, learning_evidence
from torchclinic.rules.grading import gated, state_of
from torchclinic.rules.knowing import lacking
from torchclinic.rules.reach import Part, spans, telling_parts
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, times


@register
class ForgottenSteps(Rule):
    """What decides lies in time steps of which next to nothing reaches the output.

    ## What it does
    Exchanges one time step between rows and looks how far the outputs change, before and after
    the training, and asks the data which steps tell of the targets. It fires where those that
    tell hardly move the outputs of a recurrent net (less than a thousandth of what the last steps
    do before training, less than a twentieth after), and the training suffers.

    ## Why is this bad?
    A plain recurrent layer multiplies its state by one matrix and by the slope of its tanh at
    each step. After some tens of steps nothing is left of the first, and nothing of the gradient
    on its way back: the net never finds out that the first step matters.

    ## Known problems
    Gated layers forget as well at their start, and learn to remember: those that learn are not
    reported.

    ## Example
    `nn.RNN(12, 24)  # the answer is the first of 60 symbols`

    ## Use instead
    `nn.GRU(12, 24)  # or nn.LSTM; for long padding pack_padded_sequence, or pad on the left`

    ## References
    Bengio, Simard & Frasconi 1994, doi:10.1109/72.279181; Hochreiter & Schmidhuber 1997.
    """

    code = "GRD103"
    name = "forgotten-steps"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.NUMERICS
    needs = frozenset({"batch", "recipe"})
    explains = ("GRD101", "GRD102", *LEARNING_CURVES, "CRV103")
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where most of what tells of the targets is forgotten."""
        assert case.batch is not None
        assert case.recipe is not None
        reach, state = case.batch.reach, state_of(case)
        if reach is None or reach.axis != "positions" or not case.recipe.model.recurrent:
            return
        telling = telling_parts(case)
        plain = any(layer.kind == "RNN" for layer in case.recipe.model.layers)
        lost = [p for p in telling if _is_lost(p, plain=plain)]
        if not lost or not (state.poor or lacking(case) is not None):
            return
        if sum(p.tells for p in lost) < t.TELLING_MOST * sum(p.tells for p in telling):
            return
        worst, level = max(lost, key=lambda p: p.tells), gated(state, 2)
        yield self.finding(
            Level.WARNING if level is Level.INFO else level,
            f"time steps {spans(lost)} of {reach.size} {_fate(worst)}, though they tell the target",
            f"Exchanging time step {worst.start + 1} between rows changes the untrained outputs by "
            f"{number(worst.before)} of what the step that matters most does, and the trained ones "
            f"by {number(worst.after)}: {_way(worst.before, reach.size)}. Yet it is correlated "
            f"with the targets {number(worst.tells)} standard deviations beyond chance. "
            + (
                "A plain RNN cannot hold it so long: take a GRU or an LSTM."
                if plain
                else "Shorten the way: fewer steps, attention, or the mean of all states."
            ),
            (
                below("change of the untrained outputs, over the largest", worst.before,
                      t.FORGOTTEN),
                fact("change of the trained outputs, over the largest", worst.after),
                fact("how far it tells of the targets, in deviations of chance", worst.tells),
                *learning_evidence(state),
            ),
            confidence=0.9,
        )  # fmt: skip


def _fate(part: Part) -> str:
    return "are forgotten" if part.after < t.FORGOTTEN_STILL else "hardly arrive at first"


def _is_lost(part: Part, *, plain: bool) -> bool:
    """Whether next to nothing of it arrives; a plain RNN seldom learns better from far less."""
    hardly = t.FORGOTTEN_PLAIN if plain else 0.0
    return part.before < hardly or (part.before < t.FORGOTTEN and part.after < t.FORGOTTEN_STILL)


def _way(effect: float, steps: int) -> str:
    if effect <= 0:
        return "nothing of it is left at the output"
    return f"{times(1 / effect)} less over {steps} steps"
