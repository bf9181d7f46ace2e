"""NUM101: NaN or infinity in loss, gradients or activations."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import BreakFacts, Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.core.trace import NONFINITE
from torchclinic.functional.curves import gradient_series, loss_series
from torchclinic.functional.learning import LearningState
from torchclinic.functional.robust import finite
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import INITIAL, LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import fact, learning_evidence
from torchclinic.rules.grading import state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, short


@register
class Nonfinite(Rule):
    """The loss, a gradient or an activation becomes NaN or infinite.

    ## What it does
    Looks for the first step at which the loss or the total gradient norm is not finite, and for
    the first layer in forward order in which NaN or infinite elements were seen. A run whose loss
    breaks is made once more up to that step, to find the operation that makes NaN or infinity of
    finite numbers. A logarithm of 0, a root whose slope is infinite at 0 or a division by 0 is
    then the cause itself, and not a consequence of the learning rate.

    ## Why is this bad?
    NaN spreads: with the next update every weight becomes NaN and the run is lost. The usual
    sources are a learning rate that is too large, log(0) or 0/0 in a loss, and bad rows.

    ## Known problems
    Under mixed precision a gradient scaler skips steps with infinite gradients on purpose: where
    the loss stays finite and falls this is only an info.

    ## Example
    `loss = -torch.log(probability).mean()`

    ## Use instead
    `loss = F.cross_entropy(scores, labels)  # computed with log-sum-exp`

    ## References
    SageMaker Debugger, rule ExplodingTensor; Micikevicius et al. 2018, arXiv 1710.03740.
    """

    code = "NUM101"
    name = "nonfinite"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.NUMERICS
    explains = ("GRD102", *LEARNING_CURVES)
    remedies = ("learning-rate", "clip-gradient", "warm-up", "drop-nonfinite-rows", "match-loss")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for the earliest sign of a non-finite number."""
        if case.broken is not None and _singular(case.broken):
            yield self._at_operation(case, case.broken)
            return
        signs = tuple(_signs(case))
        if not signs:
            return
        state, first = state_of(case), signs[0]
        where = f" in {short(first.layer)}" if first.layer else ""
        step = state.nonfinite_step
        before = _last_finite(case)
        trail = "" if before is None else f" The last finite loss was {number(before)}."
        yield self.finding(
            _level(state),
            f"{first.statistic}{where}" + (f" from step {step}" if step is not None else ""),
            f"NaN or infinite numbers appear: {first.statistic}{where}.{trail} They spread to "
            "every weight with the next update.",
            (*signs, *learning_evidence(state)),
            layers=[first.layer] if first.layer else [],
            steps=(step, state.steps) if step is not None else None,
            confidence=0.95,
        )

    def _at_operation(self, case: Case, found: BreakFacts) -> Finding:
        state = state_of(case)
        place = f" ({found.line})" if found.line else ""
        last = _last_finite(case)
        before = "" if last is None else f" The last finite loss was {number(last)}."
        return self.finding(
            _level(state),
            _operation_title(found),
            f"{_operation_story(found)}{place}.{before} From there NaN spreads to every weight. A "
            f"smaller learning rate does not mend it: {_guard(found)}.",
            (
                fact("step of the first non-finite number", found.step, "step"),
                *(() if found.low is None else (fact("smallest number given to it", found.low),)),
                *(() if found.high is None else (fact("largest number given to it", found.high),)),
                *learning_evidence(state),
            ),
            steps=(found.step, state.steps),
            confidence=0.95,
            stage=Stage.WIRING,  # what is written in the loss or the model, whatever the numbers
            explains=(*(c for c in NUMERICS if c != "NUM101"), *INITIAL, *_AFTER),
            remedies=("match-loss", "clip-gradient", "learning-rate"),
        )


_AFTER = (*LEARNING_CURVES, "CRV103")
# Operations that have a singular point: there, ordinary numbers give NaN or infinity.
_SINGULAR = (
    "log", "log2", "log10", "log1p", "logit", "xlogy", "sqrt", "rsqrt", "div", "true_divide",
    "reciprocal", "pow", "norm", "linalg_vector_norm", "vector_norm", "cdist", "acos", "asin",
    "atanh", "acosh", "atan2", "std", "var", "std_mean", "normalize", "cosine_similarity",
    "pairwise_distance", "lgamma", "digamma", "prod", "linalg_norm", "frobenius_norm",
)  # fmt: skip


def _singular(found: BreakFacts) -> bool:
    """Whether an operation met its singular point: what overflowed got large numbers before."""
    sizes = [abs(x) for x in (found.low, found.high) if x is not None]
    plain = found.operation.removesuffix("_")
    return plain in _SINGULAR and all(size < t.OVERFLOW for size in sizes)


def _operation_title(found: BreakFacts) -> str:
    if found.where == "gradient":
        loss = "" if found.loss is None else f" of {number(found.loss)}"
        return (
            f"{found.operation} gives a NaN gradient at step {found.step}, at a finite loss{loss}"
        )
    where = "in the model" if found.where == "outputs" else "in the loss"
    return f"{found.operation} {where} gives NaN or infinity at step {found.step}"


def _operation_story(found: BreakFacts) -> str:
    if found.where == "gradient":
        return (
            f"At step {found.step} the loss is finite, but on the way back {found.operation} "
            "makes a NaN or infinite gradient of finite numbers: it stands at a point where its "
            "slope has no finite value, as that of a root or a norm at 0"
        )
    seen = "" if found.low is None else f" of numbers from {number(found.low)} to "
    seen += "" if found.high is None else number(found.high)
    place = "the model's outputs are" if found.where == "outputs" else "only the loss is"
    return f"At step {found.step} {place} not finite: {found.operation} makes NaN or infinity{seen}"


def _guard(found: BreakFacts) -> str:
    name = found.operation
    if name.startswith("log") or name == "xlogy":
        return (
            "use the loss that takes scores (BCEWithLogitsLoss, cross_entropy), or clamp what the "
            "logarithm is given"
        )
    if name in ("div", "true_divide", "reciprocal", "rsqrt", "std", "var", "std_mean"):
        return "keep the divisor away from 0, and mind batches of one row"
    return "add a small number under the root, as in sqrt(x + 1e-8)"


def _level(state: LearningState) -> Level:
    if state.nonfinite_step is None and state.fine:
        return Level.INFO
    return Level.WARNING if state.fine else Level.ERROR


def _signs(case: Case) -> Iterable[Evidence]:
    losses, norms = loss_series(case), gradient_series(case)
    step = _first_wild(losses.steps, losses.values)
    if step is not None:
        yield fact("the loss is NaN or infinite", step, "step")
    layer = _first_layer(case)
    if layer is not None:
        yield fact("NaN or infinite values", layer[1], "elements", layer[0])
    step = _first_wild(norms.steps, norms.values)
    if step is not None:
        yield fact("the gradient is NaN or infinite", step, "step")
    batch = case.batch
    if batch is not None and batch.initial_loss is not None and _wild(batch.initial_loss):
        yield fact("the untrained loss is NaN or infinite", 0, "step")
    if batch is not None and batch.outputs is not None and batch.outputs.nonfinite:
        yield fact("NaN or infinite untrained outputs", batch.outputs.nonfinite, "elements")


def _first_layer(case: Case) -> tuple[str, float] | None:
    """The layer, earliest in time and then in forward order, with non-finite elements."""
    if case.batch is not None:
        for reading in case.batch.layers:
            if reading.nonfinite > 0:
                return reading.name, reading.nonfinite
    found = [
        (step, layer.order, layer.name, value)
        for layer in (case.trace.layers if case.trace is not None else ())
        for step, value in zip(layer[NONFINITE].steps, layer[NONFINITE].values, strict=True)
        if value > 0
    ]
    return (min(found)[2], min(found)[3]) if found else None


def _first_wild(steps: tuple[int, ...], values: tuple[float, ...]) -> int | None:
    return next((s for s, v in zip(steps, values, strict=True) if _wild(v)), None)


def _wild(value: float) -> bool:
    return not math.isfinite(value)


def _last_finite(case: Case) -> float | None:
    values = loss_series(case).values
    cut = next((i for i, value in enumerate(values) if _wild(value)), len(values))
    return finite(values[:cut])[-1] if cut and cut < len(values) else None
