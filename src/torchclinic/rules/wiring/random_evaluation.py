"""WIR108: a model that draws random numbers in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, ChanceFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import exact, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import percent


@register
class RandomEvaluation(Rule):
    """The model's answers are random in evaluation mode.

    ## What it does
    Passes the same rows through the model twice in evaluation mode and compares the outputs, and
    names the line that draws the random numbers. Weights that are drawn in the forward pass are
    an error where the training does not learn.

    ## Why is this bad?
    `torch.nn.functional.dropout(x, p)` drops units whether the model trains or not, unless it is
    told `training=self.training`. So does a module that is kept in a plain list, which `eval()`
    does not reach. Every validation number is then too bad and another one each time.

    ## Known problems
    A model that samples on purpose (a variational autoencoder, Monte Carlo dropout) is random,
    too. Small noise is only an info, and so is everything in a training with a step of its own.

    ## Example
    `x = F.dropout(x, 0.5)`

    ## Use instead
    `x = F.dropout(x, 0.5, training=self.training)  # or nn.Dropout(0.5)`

    ## References
    torch.nn.functional.dropout, https://docs.pytorch.org/docs/stable/nn.functional.html
    """

    code = "WIR108"
    name = "random-evaluation"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.WIRING
    needs = frozenset({"batch", "recipe"})
    explains = ("CRV101", "CRV103")
    remedies = ("respect-evaluation-mode",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where two passes differ; a warning where they differ much."""
        assert case.batch is not None
        assert case.recipe is not None
        noise = case.batch.noise_in_eval
        if not case.batch.random_in_eval or noise is None:
            return
        drawn = case.batch.chance
        if drawn is not None and drawn.weights:
            yield self._weights(case, drawn)
            return
        much = noise > t.EVALUATION_NOISE and not case.recipe.custom_step
        yield self.finding(
            Level.WARNING if much else Level.INFO,
            f"answers are random in evaluation mode: {percent(noise)} of what tells rows apart",
            "Two passes over the same rows in evaluation mode give different outputs. Something "
            "in the forward pass draws random numbers without regard to the mode: most often "
            "functional dropout without training=self.training, or a Dropout that eval() does "
            f"not reach because it is kept in a plain list.{_where(drawn)}",
            (above("difference of two passes over the rows' spread", noise, t.EVALUATION_NOISE),),
            confidence=0.8,
        )

    def _weights(self, case: Case, drawn: ChanceFacts) -> Finding:
        state = state_of(case)
        return self.finding(
            exact(state),
            f"weights are drawn anew at each forward pass: {drawn.line}",
            f"{drawn.line} draws weights, and is run at each forward pass: whatever an update "
            "makes of them is gone at the next, and answers are random in evaluation mode. Make "
            "layers and draw first weights in __init__, once.",
            (fact("lines that draw weights at each pass", 1), *learning_evidence(state)),
            confidence=0.95,
            remedies=(),
            explains=(*self.explains, "LRN101", *LEARNING_CURVES),
        )


def _where(drawn: ChanceFacts | None) -> str:
    return f" Here numbers are drawn at {drawn.line}." if drawn is not None and drawn.line else ""
