"""LRN102: updates far too small or too large for the weights."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.core.trace import UPDATE_RATIO
from torchclinic.functional.curves import gradient_series
from torchclinic.functional.learning import LearningState
from torchclinic.functional.robust import median
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, learning_evidence
from torchclinic.rules.grading import confidence, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.traced import Profile, deep_layers, profile, window
from torchclinic.rules.wording import number, short


@register
class UpdateRatio(Rule):
    """An update changes the weights far too little or far too much.

    ## What it does
    Takes the size of each update over the size of the weights, by layer, as the median over the
    run. It fires below 1e-4 where the training does not learn, and above 0.1 where it diverges or
    swings.

    ## Why is this bad?
    At a ratio of 1e-6 a thousand updates change a weight by a thousandth: the net stays what it
    was at random. At a ratio near 1 each update replaces the weights, and nothing that was learnt
    survives.

    ## Known problems
    Biases, norms and embeddings are left out, as they start at zero or move sparsely. The ratio
    falls in a training that has converged, which is why one that learns is not reported.

    ## Example
    `SGD(model.parameters(), lr=1e-6)`

    ## Use instead
    `SGD(model.parameters(), lr=1e-1)  # aim at a ratio of about 1e-3`

    ## References
    CS231n notes, "Ratio of weights:updates"; TheDeepChecker (Ben Braiek & Khomh 2023).
    """

    code = "LRN102"
    name = "update-ratio"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.NUMERICS
    needs = frozenset({"trace"})
    explains = LEARNING_CURVES
    remedies = ("learning-rate", "adamw", "momentum", "warm-up")

    def check(self, case: Case) -> Iterable[Finding]:
        """At most one finding, for the median layer."""
        layers, state = deep_layers(case.trace), state_of(case)
        shape = profile(layers, UPDATE_RATIO)
        if not len(shape) or not state.poor:
            return
        middle = median(shape.values)
        steps = window(next(x for x in layers if x.name == shape.names[0]), UPDATE_RATIO)
        if middle < t.UPDATE_LOW and state.progress.value != "diverged":
            yield self._low(case, state, shape, middle, steps)
        elif middle > (t.UPDATE_HIGH if state.hurt else t.UPDATE_HUGE) and len(shape) > 1:
            yield self._high(state, shape, middle, steps)

    def _low(
        self,
        case: Case,
        state: LearningState,
        shape: Profile,
        middle: float,
        steps: tuple[int, int] | None,
    ) -> Finding:
        tiny = middle < t.UPDATE_TINY and state.hurt
        least = min(range(len(shape)), key=lambda i: shape.values[i])
        clip = case.recipe.clip_norm if case.recipe is not None else None
        norm = median(gradient_series(case).values)
        cut = (
            f" Clipping at {number(clip)} cuts a gradient of norm {number(norm)}."
            if clip is not None and norm > 10 * clip
            else ""
        )
        value = case.recipe.clip_value if case.recipe is not None else None
        if value is not None:
            cut += f" Each number of the gradient is clipped at {number(value)}."
        return self.finding(
            Level.ERROR if tiny else Level.WARNING,
            f"updates are {number(middle)} of the weights: they hardly move",
            f"The median layer changes by {number(middle)} of its weights in an update, "
            f"{short(shape.names[least])} by {number(shape.values[least])}; about 0.001 is usual. "
            f"In {state.steps:,} steps the weights stay close to where they began.{cut}",
            (
                below("update-to-weight ratio, median layer", middle, t.UPDATE_LOW),
                *learning_evidence(state),
            ),
            layers=[shape.names[least]],
            steps=steps,
            confidence=confidence(middle, t.UPDATE_LOW, 2 if tiny else 1),
        )

    def _high(
        self, state: LearningState, shape: Profile, middle: float, steps: tuple[int, int] | None
    ) -> Finding:
        most = max(range(len(shape)), key=lambda i: shape.values[i])
        huge = middle > t.UPDATE_HUGE and state.hurt
        return self.finding(
            Level.ERROR if huge else Level.WARNING,
            f"updates are {number(middle)} of the weights: each step overwrites them",
            f"The median layer changes by {number(middle)} of its weights in an update, "
            f"{short(shape.names[most])} by {number(shape.values[most])}; about 0.001 is usual. "
            "Nothing that is learnt survives the next steps.",
            (
                above("update-to-weight ratio, median layer", middle, t.UPDATE_HIGH),
                *learning_evidence(state),
            ),
            layers=[shape.names[most]],
            steps=steps,
            confidence=confidence(middle, t.UPDATE_HIGH, 2 if huge else 1),
            explains=("GRD102", "NUM101", "ACT101", *self.explains),
        )
