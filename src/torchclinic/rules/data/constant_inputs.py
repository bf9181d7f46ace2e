"""DAT102: inputs or targets that are NaN or infinite, inputs that are constant."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, InputFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import EVERYTHING_LATER
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import exact, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import percent


@register
class ConstantOrNonfiniteInputs(Rule):
    """The inputs or targets hold NaN or infinite values, or the inputs do not vary.

    ## What it does
    Counts NaN and infinite elements in the sampled inputs and targets, and input channels that
    have the same value in every row.

    ## Why is this bad?
    One NaN in one row makes the loss NaN, and with the next update every weight. Inputs that do
    not vary tell the model nothing.

    ## Known problems
    Single constant channels are common in healthy data (the border pixels of an image), so only
    inputs of which most channels are constant are mentioned, and only as an info. A model that
    masks its missing values itself is told from the loss, which stays finite.

    ## Example
    `inputs = torch.log(table)  # log of 0 is -infinity`

    ## Use instead
    `keep = torch.isfinite(inputs).all(1); inputs, targets = inputs[keep], targets[keep]`

    ## References
    SageMaker Debugger, rules ExplodingTensor and AllZero.
    """

    code = "DAT102"
    name = "constant-or-nonfinite-inputs"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = EVERYTHING_LATER
    remedies = ("drop-nonfinite-rows",)

    def check(self, case: Case) -> Iterable[Finding]:
        """Findings for non-finite, wholly constant and mostly constant inputs."""
        assert case.batch is not None
        inputs, targets = case.batch.inputs, case.batch.targets
        if inputs.nonfinite > 0:
            yield self._nonfinite(case, inputs.nonfinite, "inputs")
        if targets.nonfinite > 0:
            yield self._nonfinite(case, targets.nonfinite, "targets")
        if inputs.nonfinite > 0 or targets.nonfinite > 0:
            return
        if inputs.kind == "tokens" or inputs.rows < 2:
            return
        yield from self._constant(case, inputs)

    def _nonfinite(self, case: Case, count: int, where: str) -> Finding:
        state = state_of(case)
        return self.finding(
            exact(state),
            f"{count:,} NaN or infinite values in the {where}",
            f"The sampled rows hold {count:,} {where} that are NaN or infinite. Any of them "
            "spreads to the loss of its batch and, with the next update, to every weight.",
            (fact(f"non-finite elements of the {where}", count), *learning_evidence(state)),
            confidence=0.98,
        )

    def _constant(self, case: Case, inputs: InputFacts) -> Iterable[Finding]:
        channels = len(inputs.channel_stds)
        if inputs.std == 0 or 0 < channels <= inputs.constant_channels:
            state = state_of(case)
            yield self.finding(
                exact(state),
                f"the inputs do not vary: all {inputs.rows:,} sampled rows are the same",
                f"Every input has one value in all of the {inputs.rows:,} sampled rows, so the "
                "model cannot tell one row from another and can only learn a constant.",
                (
                    fact("input channels", channels),
                    fact("of them constant", inputs.constant_channels),
                    *learning_evidence(state),
                ),
                confidence=0.98,
                remedies=(),
            )
        elif channels and inputs.constant_channels > t.CONSTANT_CHANNELS * channels:
            share = inputs.constant_channels / channels
            yield self.finding(
                Level.INFO,
                f"{inputs.constant_channels:,} of {channels:,} input channels are constant",
                f"{percent(share)} of the input channels have the same value in every sampled row "
                "and carry no information.",
                (above("share of constant channels", share, t.CONSTANT_CHANNELS),),
                remedies=(),
            )
