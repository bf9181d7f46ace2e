"""LOS105: the untrained model costs far more than blind guessing."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.initial import (
    SCORE_LOSSES,
    VALUE_LOSSES,
    expected_initial_loss,
    initial_excess,
    initial_layers,
)
from torchclinic.rules.outputs import loss_kind, outputs_of
from torchclinic.rules.rates import without_low_rate
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, times


@register
class InitialLoss(Rule):
    """The untrained model's loss is far above that of blind guessing.

    ## What it does
    Compares the loss before the first update with what outputs near zero cost: ln C for C
    classes, ln 2 for a binary cross-entropy, the targets' mean square for a squared error. It
    fires where the loss is more than twice that and the untrained outputs are too large.

    ## Why is this bad?
    The model begins sure of random answers. The first part of the training only shrinks the
    scores, large gradients push hidden units into saturation or death on the way, and a small
    learning rate may never get past it.

    ## Known problems
    Nets that normalise or use a large learning rate recover within a few steps; then it is an
    info. A custom loss has no expected value and is not judged.

    ## Example
    `self.w2 = nn.Parameter(torch.randn(128, 10))  # scores of standard deviation 11`

    ## Use instead
    `self.w2 = nn.Parameter(torch.randn(128, 10) / 128**0.5)`

    ## References
    Karpathy 2019, "A Recipe for Training Neural Networks" (verify loss @ init); TheDeepChecker
    (Ben Braiek & Khomh 2023).
    """

    code = "LOS105"
    name = "initial-loss"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.INITIALISATION
    needs = frozenset({"batch", "recipe"})
    explains = ("LRN101", "LRN102", "GRD102", "ACT101", "CRV103", *LEARNING_CURVES)
    remedies = ("reinitialise", "small-output-layer", "standardise-inputs")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where both the loss and the outputs are too large."""
        excess, expected = initial_excess(case), expected_initial_loss(case)
        if excess is None or expected is None or case.batch is None or excess <= t.INITIAL_LOSS:
            return
        signs = tuple(_signs(case))
        if not signs:
            return
        state = state_of(case)
        signs = (*signs, *_never_unlearnt(state, expected))
        actual = case.batch.initial_loss or 0.0
        yield self.finding(
            gated(state, 1 + len(signs)),
            f"the untrained loss is {number(actual)}, {times(excess + 1)} that of guessing",
            f"Before the first update the loss is {number(actual)}, where outputs near zero would "
            f"cost {number(expected)}. The {signs[0].statistic} is {number(signs[0].value)}: the "
            "model begins sure of random answers and must first unlearn them.",
            (
                above("initial loss above that of guessing, relative", excess, t.INITIAL_LOSS),
                fact("initial loss", actual),
                fact("expected loss", expected),
                *signs,
                *learning_evidence(state),
            ),
            confidence=confidence(excess, t.INITIAL_LOSS, 1 + len(signs)),
            explains=without_low_rate(case, self.explains),
        )


def _never_unlearnt(state: LearningState, expected: float) -> Iterable[Evidence]:
    """A loss that ends above that of guessing: sure of wrong answers to the last."""
    if state.final is not None and state.final > expected and state.fine:
        limit = t.Threshold(1.0, "here", "a constant prediction")
        yield above("final loss over that of guessing", state.final / expected, limit)


def _signs(case: Case) -> Iterable[Evidence]:
    """Too large outputs, and an output layer with too large weights."""
    outputs, targets = outputs_of(case), case.batch.targets if case.batch is not None else None
    if outputs.std is not None and loss_kind(case) in SCORE_LOSSES and outputs.std > 2.0:
        limit = t.Threshold(2.0, "Karpathy 2019; here", "scores of unit scale cost 15 % more")
        yield above("standard deviation of the untrained scores", outputs.std, limit)
    if outputs.std is not None and targets is not None and targets.std:
        ratio = outputs.std / targets.std
        if loss_kind(case) in VALUE_LOSSES and ratio > t.OUTPUT_SPREAD:
            yield above("standard deviation of outputs over targets", ratio, t.OUTPUT_SPREAD)
    layers = initial_layers(case)
    if layers and (layers[-1].gain or 0.0) > t.GAIN_HIGH:
        yield above(
            "output layer's gain", layers[-1].gain or 0.0, t.GAIN_HIGH, layer=layers[-1].facts.name
        )
