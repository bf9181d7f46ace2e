"""DAT115: training inputs that are drowned in the noise of their augmentation."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.gaps import generalisation_gap
from torchclinic.rules.grading import gated, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class DrownedInputs(Rule):
    """Random augmentation adds so much noise to the training inputs that little else is left.

    ## What it does
    Reads the same training rows twice. It speaks where more than three quarters of their variance
    changes from one reading to the next, and the validation inputs have less than 0.6 of the
    training inputs' standard deviation: the variance in excess is noise.

    ## Why is this bad?
    The model learns on inputs in which the signal is small beside the noise, and is judged on
    inputs that look like none of these. Noise of the size of the signal is strong already.

    ## Known problems
    Flips, crops and rotations change a picture's pixels altogether and keep their variance, so that
    they are not reported. Noise that the model or the step adds is not seen here.

    ## Example
    `return self.x[i] + 3.0 * torch.randn_like(self.x[i]), self.y[i]  # inputs in [0, 1]`

    ## Use instead
    `return self.x[i] + 0.1 * torch.randn_like(self.x[i]), self.y[i]`

    ## References
    Bishop 1995, "Training with Noise is Equivalent to Tikhonov Regularization"; TheDeepChecker
    (Ben Braiek & Khomh 2023), harmful augmentation.
    """

    code = "DAT115"
    name = "drowned-inputs"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = (
        *("DAT101", "DAT105", "DAT106", "DAT111", "DAT119", "CRV103", "LRN101"),
        *LEARNING_CURVES,
    )
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where noise is most of the training inputs, and of them alone."""
        assert case.batch is not None
        rows, ratio = case.batch.rows, case.batch.inputs.scale_ratio
        if rows is None or rows.noise is None or rows.sizes or ratio is None:
            return
        if not (rows.noise > t.NOISE and ratio < t.NOISE_SCALE):
            return
        state = state_of(case)
        wanting = generalisation_gap(state) > t.SHIFT_IMPACT or not state.fine
        level = gated(state, 2)
        clean = rows.validation_std
        beside = "" if clean is None else f" beside inputs of {number(clean)} in validation"
        yield self.finding(
            Level.WARNING if level is Level.INFO and wanting else level,
            f"augmentation drowns the training inputs: {percent(rows.noise)} of them is noise",
            f"{percent(rows.noise)} of the variance of the training inputs changes when the same "
            f"rows are read again: noise with a standard deviation of "
            f"{number(rows.noise_std or 0.0)}{beside}, which has none of it. Make the noise "
            "smaller than the signal, a tenth to a third of its standard deviation.",
            (
                above("share of the variance that changes with each reading", rows.noise, t.NOISE),
                below("validation standard deviation over training", ratio, t.NOISE_SCALE),
                fact("rows read again", rows.reread),
            ),
            confidence=0.9,
        )
