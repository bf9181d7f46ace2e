"""LOS101: probabilities given to a cross-entropy that takes scores."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.expected_loss import softmax_floor
from torchclinic.rules.consequences import LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import fact, learning_evidence
from torchclinic.rules.grading import exact, state_of
from torchclinic.rules.initial import classes_out
from torchclinic.rules.outputs import (
    PROBABILITIES,
    loss_kind,
    output_activation,
    outputs_of,
    single_column,
)
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number


@register
class SoftmaxBeforeCrossEntropy(Rule):
    """The model ends in a softmax or sigmoid, and the cross-entropy applies a softmax again.

    ## What it does
    Fires where `CrossEntropyLoss` receives rows that are non-negative and sum to 1, or the output
    of a sigmoid.

    ## Why is this bad?
    The loss takes scores and applies log-softmax itself. Probabilities lie in [0, 1], so that the
    best attainable loss is ln(1 + (C - 1)/e) instead of 0 (1.461 for ten classes), and the
    gradient passes through two softmaxes, which makes it small.

    ## Known problems
    A training may reach a good accuracy in spite of it: then it is a warning. A log-softmax
    before the loss changes nothing and is not reported.

    ## Example
    `nn.Sequential(body, nn.Linear(64, 10), nn.Softmax(dim=1))  # with nn.CrossEntropyLoss()`

    ## Use instead
    `nn.Sequential(body, nn.Linear(64, 10))`

    ## References
    torch.nn.CrossEntropyLoss; UMLAUT (Schoop et al. 2021); NeuraLint (Nikanjam et al. 2021).
    """

    code = "LOS101"
    name = "softmax-before-cross-entropy"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.WIRING
    needs = frozenset({"recipe"})
    explains = ("INI103", *NUMERICS, *LEARNING_CURVES, "LOS104")
    remedies = ("remove-output-activation",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where both the loss and the outputs say so."""
        if loss_kind(case) != "cross-entropy":
            return
        outputs, name = outputs_of(case), output_activation(case)
        classes = classes_out(case.batch) if case.batch is not None else None
        if classes == 1 or single_column(case):
            return
        signs = tuple(_signs(name, sums=outputs.rows_sum_to_one))
        if not signs:
            return
        state = state_of(case)
        floor = softmax_floor(classes) if classes is not None else None
        least = "" if floor is None else f" The loss can never fall below {number(floor)}."
        what = name or "softmax"
        yield self.finding(
            exact(state),
            f"{what} before cross-entropy, which applies a softmax itself",
            f"The model's output passes a {what}, and CrossEntropyLoss takes scores and applies "
            f"log-softmax again. Scores in [0, 1] cannot differ by more than 1.{least}",
            (
                *signs,
                *(() if floor is None else (fact("lowest attainable loss", floor, "nats"),)),
                *learning_evidence(state),
            ),
            confidence=0.8 + 0.09 * len(signs),
        )


def _signs(name: str | None, *, sums: bool) -> Iterable[Evidence]:
    if name in PROBABILITIES:
        yield fact(f"output activation is a {name}", 1)
    if sums:
        yield fact("rows of the output are non-negative and sum to", 1)
