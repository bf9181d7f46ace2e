"""DAT101: the inputs are far from unit scale."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import BatchFacts, Case, InputFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.functional.robust import median
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import above, below, fact, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.initial import initial_excess
from torchclinic.rules.rates import without_low_rate
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import called, number


@register
class UnscaledInputs(Rule):
    """The inputs are far from zero mean and unit variance, and the training suffers from it.

    ## What it does
    Looks at the mean and standard deviation of each input channel. It speaks up where the largest
    channel has a root mean square above 10 or below 0.02, or where the mean is many standard
    deviations away from 0, and where the model does not begin with a normalisation layer.

    ## Why is this bad?
    The scale of the inputs multiplies the pre-activations and the weight gradients of the first
    layer. Large inputs saturate or silence its units and make any usual learning rate too large;
    channels of very different scale give the loss narrow valleys.

    ## Known problems
    Many models learn in spite of it, so that only a training that suffers gets a warning. Images
    in [0, 1] are fine and are not reported. Token numbers are not looked at.

    ## Example
    `loader = DataLoader(TensorDataset(pixels_0_to_255, labels))`

    ## Use instead
    `inputs = (inputs - train.mean(0)) / train.std(0)`

    ## References
    LeCun, Bottou, Orr & Mueller 1998, "Efficient BackProp", section 4.3.
    """

    code = "DAT101"
    name = "unscaled-inputs"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = (
        *("INI102", "INI103", "INI104", "INI105", "LOS105"),
        *NUMERICS,
        *LEARNING_CURVES,
        "WIR110",
    )
    remedies = ("standardise-inputs", "batch-norm", "learning-rate")

    def check(self, case: Case) -> Iterable[Finding]:
        """A finding where the scale is off; its level follows from what it does."""
        assert case.batch is not None
        inputs = case.batch.inputs
        scale = _off_scale(inputs)
        if scale is None or _normalised_first(case):
            return
        state = state_of(case)
        signs = tuple(_signs(case, case.batch, state, large=scale.comparison != "<"))
        level = gated(state, 1 + len(signs))
        if level is not Level.INFO and not signs:
            level = Level.INFO
        low, high = inputs.minimum, inputs.maximum
        span = "" if low is None or high is None else f" They span {number(low)} to {number(high)}."
        yield self.finding(
            level,
            f"inputs are not scaled: {scale.statistic} is {number(scale.value)}",
            f"The {scale.statistic} is {number(scale.value)}; a network expects inputs of about "
            f"unit scale.{span} {_harm(state, signs)}",
            (scale, *signs, *learning_evidence(state)),
            confidence=confidence(scale.value, scale.threshold or 1.0, 1 + len(signs)),
            explains=without_low_rate(case, self.explains)
            if scale.comparison != "<"
            else self.explains,
        )


def channel_rms(inputs: InputFacts) -> tuple[float, ...]:
    """Root mean square of each channel, of the whole tensor where channels are unknown."""
    means = inputs.channel_means or ((inputs.mean,) if inputs.mean is not None else ())
    stds = inputs.channel_stds or ((inputs.std,) if inputs.std is not None else ())
    pairs = zip(means, stds, strict=False)
    return tuple(r for r in (math.hypot(m, s) for m, s in pairs) if math.isfinite(r))


def _off_scale(inputs: InputFacts) -> Evidence | None:
    sizes = channel_rms(inputs)
    if inputs.kind == "tokens" or not sizes:
        return None
    largest = max(sizes)
    if largest > t.INPUT_LARGE:
        return above("root mean square of the largest channel", largest, t.INPUT_LARGE)
    if 0 < largest < t.INPUT_TINY:
        return below("root mean square of the largest channel", largest, t.INPUT_TINY)
    mean, std = inputs.mean, inputs.std
    if mean is not None and std and abs(mean) > 2 and abs(mean) / std > t.INPUT_OFFSET:
        return above("mean of the inputs in standard deviations", abs(mean) / std, t.INPUT_OFFSET)
    return None


def _normalised_first(case: Case) -> bool:
    if case.recipe is None:
        return False
    model = case.recipe.model
    first = min(model.layers, key=lambda layer: layer.order, default=None)
    if first is None or any(norm.asleep and norm.name == first.name for norm in model.norm_layers):
        return False  # a norm that stays in evaluation mode does not normalise
    return "Norm" in first.kind or "Embedding" in first.kind


def _signs(
    case: Case, batch: BatchFacts, state: LearningState, *, large: bool
) -> Iterable[Evidence]:
    """What the scale does to the model: the mechanisms through which it can hurt."""
    sizes = [size for size in channel_rms(batch.inputs) if size > 0]
    uneven = max(sizes) / median(sizes) if sizes else 1.0
    if large and uneven > t.CHANNEL_SPREAD:
        yield above("largest channel over the median one", uneven, t.CHANNEL_SPREAD)
    excess = initial_excess(case)
    if large and excess is not None and excess > t.INITIAL_LOSS:
        yield above("initial loss above that of guessing, relative", excess, t.INITIAL_LOSS)
    yield from _first_layer_signs(batch, large=large)
    if large:
        yield from _gates(case, batch)
    if large and state.nonfinite_step is not None:
        yield fact("first step with a non-finite loss", state.nonfinite_step)
    curve = case.lr_range
    if large and curve is not None and curve.divergence is not None and curve.configured:
        margin = curve.divergence / curve.configured
        if margin < t.RATE_HIGH:
            yield below("learning rate of divergence over the configured", margin, t.RATE_HIGH)


def _gates(case: Case, batch: BatchFacts) -> Iterable[Evidence]:
    """A recurrent first layer, whose inside is not read: what its input weights make of inputs."""
    layers = case.recipe.model.layers if case.recipe is not None else ()
    first = min(layers, key=lambda layer: layer.order, default=None)
    if first is None or first.kind not in ("RNN", "LSTM", "GRU") or not first.weight_std:
        return
    size = math.sqrt(sum(rms**2 for rms in channel_rms(batch.inputs))) * first.weight_std
    if size > t.FIRST_PREACTIVATION:
        yield above("pre-activation of the gates", size, t.FIRST_PREACTIVATION, layer=first.name)


def _first_layer_signs(batch: BatchFacts, *, large: bool) -> Iterable[Evidence]:
    first = batch.layers[0] if batch.layers else None
    if first is None:
        return
    std = first.activation_std
    if large and std is not None and std > t.FIRST_PREACTIVATION:
        yield above("pre-activation std", std, t.FIRST_PREACTIVATION, layer=first.name)
    if large and (first.saturated_units or 0.0) > t.SATURATED:
        yield above(
            "share of saturated units", first.saturated_units or 0.0, t.SATURATED, layer=first.name
        )
    last = batch.layers[-1]
    if not large and first.gradient_rms is not None and last.gradient_rms:
        ratio = first.gradient_rms / last.gradient_rms
        if ratio < 10 * t.GRADIENT_LOW:
            yield below(
                "gradient RMS, first layer over last", ratio, t.GRADIENT_LOW, layer=first.name
            )


def _harm(state: LearningState, signs: tuple[Evidence, ...]) -> str:
    if not signs:
        return "Nothing shows that it harms this training."
    shown = signs[0]
    where = f" of {called(shown.layer)}" if shown.layer else ""
    what = f"Seen here: {shown.statistic}{where} {number(shown.value)}."
    return what if not state.fine else f"{what} The training learns nevertheless."
