"""LOS102: probabilities given to a binary cross-entropy that takes scores."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.expected_loss import sigmoid_floor
from torchclinic.rules.consequences import LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import fact, learning_evidence
from torchclinic.rules.grading import exact, state_of
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
class SigmoidBeforeBceWithLogits(Rule):
    """The model ends in a sigmoid, and BCEWithLogitsLoss applies a sigmoid again.

    ## What it does
    Fires where `BCEWithLogitsLoss` receives the output of a sigmoid or softmax.

    ## Why is this bad?
    The loss takes scores. Probabilities as scores lie in [0, 1], which the second sigmoid maps to
    [0.5, 0.73]: no row can be called negative with confidence, and the loss cannot fall below
    0.313 for a positive and 0.693 for a negative row.

    ## Known problems
    The order of the scores is kept, so that a ranking metric may look fine; then it is a warning.

    ## Example
    `nn.Sequential(body, nn.Linear(64, 1), nn.Sigmoid())  # with nn.BCEWithLogitsLoss()`

    ## Use instead
    `nn.Sequential(body, nn.Linear(64, 1))`

    ## References
    torch.nn.BCEWithLogitsLoss; NeuraLint (Nikanjam et al. 2021).
    """

    code = "LOS102"
    name = "sigmoid-before-bce-with-logits"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.WIRING
    needs = frozenset({"recipe"})
    explains = ("INI103", *NUMERICS, *LEARNING_CURVES, "LOS104")
    remedies = ("remove-output-activation",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where the output is a probability and the loss takes scores."""
        name = output_activation(case)
        if loss_kind(case) != "bce-with-logits" or name not in PROBABILITIES:
            return
        if name == "softmax" and single_column(case):
            return  # it is always 1, which LOS104 says
        state = state_of(case)
        mean = case.batch.targets.mean if case.batch is not None else None
        floor = sigmoid_floor(0.5 if mean is None else mean)
        yield self.finding(
            exact(state),
            f"{name} before BCEWithLogitsLoss, which applies a sigmoid itself",
            f"The model's output passes a {name}, and BCEWithLogitsLoss takes scores and applies "
            "a sigmoid again, so no predicted probability is below 0.5. On these labels the loss "
            f"cannot fall below about {number(floor)}.",
            (*_signs(case, name), fact("lowest attainable loss", floor), *learning_evidence(state)),
            confidence=0.97,
        )


def _signs(case: Case, name: str) -> Iterable[Evidence]:
    outputs = outputs_of(case)
    yield fact(f"output activation is a {name}", 1)
    if outputs.in_unit_interval and outputs.maximum is not None:
        yield fact("largest output of the untrained model", outputs.maximum)
