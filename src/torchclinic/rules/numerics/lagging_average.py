"""REG102: an average of the weights that is still made of the first ones."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, fact
from torchclinic.rules.grading import confidence, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class LaggingAverage(Rule):
    """The moving average of the weights lags behind them to the end of the training.

    ## What it does
    Computes the share that the first weights still have in the exponential moving average when the
    training ends: the decay to the power of the updates. It fires where that is more than a tenth,
    and the averaged weights, by which the training is judged and with which it ends, cost far more
    on the training rows than the run's own.

    ## Why is this bad?
    A decay of 0.9999 averages over the last 10,000 updates. A training of 300 updates ends with
    an average that is to 97 % the untrained model, however well the run itself has learnt.

    ## Known problems
    Weights that hardly move, as in fine-tuning, lag without harm and are not reported.

    ## Example
    `Averaging("ema", decay=0.9999)  # 300 updates`

    ## Use instead
    `Averaging("ema", decay=0.99)  # or a decay that rises: min(decay, (1 + step) / (10 + step))`

    ## References
    Polyak & Juditsky 1992, doi 10.1137/0330046; Tarvainen & Valpola 2017, arXiv 1703.01780
    (a smaller decay at first); Morales-Brotons et al. 2024, arXiv 2411.18704.
    """

    code = "REG102"
    name = "lagging-average"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.NUMERICS
    needs = frozenset({"recipe", "history"})
    explains = ("LRN101", "LRN102", "CRV103", *LEARNING_CURVES)
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where the average lags and costs more than the weights themselves."""
        assert case.recipe is not None
        state, share = state_of(case), case.recipe.first_weights
        gap = _gap(state)
        if share is None or share <= t.LAGGING or gap is None or gap <= t.LAG_GAP:
            return
        left = (state.constant or 0.0) - (state.train_loss or 0.0)
        useless = left < t.LEARNING.begun * (state.constant or 0.0)
        yield self.finding(
            Level.ERROR if useless else Level.WARNING,
            f"the averaged weights are to {percent(share)} those of the start",
            f"Over {state.steps:,} updates the moving average keeps {percent(share)} of the "
            f"weights with which it began. It costs {number(state.train_loss or 0.0)} on the "
            f"training rows, the run's own weights {number(state.final or 0.0)}: the average, by "
            "which the training is judged and with which it ends, lags behind. Let it forget "
            f"faster: a decay of {number(_decay(state.steps), 2)} keeps a thousandth of them.",
            (
                above("share of the first weights in the average", share, t.LAGGING),
                above("loss of the average minus the weights', over a constant's", gap, t.LAG_GAP),
                fact("loss of the run's own weights", state.final or 0.0),
            ),
            confidence=confidence(gap, t.LAG_GAP, 2),
        )


def _gap(state: LearningState) -> float | None:
    """Training loss of the average minus that of the weights, as a share of the constant's."""
    if not state.complete or not state.constant_known or state.constant is None:
        return None
    width = state.constant - state.floor
    if state.train_loss is None or state.final is None or not width > 0:
        return None
    return (state.train_loss - state.final) / width


def _decay(steps: int) -> float:
    """The decay of which so many updates leave a thousandth."""
    return 0.001 ** (1 / max(steps, 1))
