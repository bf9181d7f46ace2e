"""What the untrained model should cost, and how its weights compare with the usual schemes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torchclinic.core.facts import BatchFacts, Case, LayerFacts, LayerReadings
from torchclinic.functional.expected_loss import uniform_loss

SCORE_LOSSES = ("cross-entropy", "nll", "bce", "bce-with-logits")
VALUE_LOSSES = ("mse", "l1", "huber")


@dataclass(frozen=True)
class InitialLayer:
    """A weighted layer as built, with what one pass over the data showed at it.

    Attributes:
        facts: As built.
        readings: From one forward and backward pass.
    """

    facts: LayerFacts
    readings: LayerReadings

    @property
    def gain(self) -> float | None:
        r"""$\sigma_w \sqrt{fan_{in}}$: 0.58 for torch's default, 1 LeCun, 1.41 He."""
        if self.facts.weight_std is None or not self.facts.fan_in:
            return None
        return self.facts.weight_std * math.sqrt(self.facts.fan_in)

    @property
    def low_gain(self) -> float | None:
        """The gain by the larger fan: Xavier weights of a narrow layer are not too small."""
        if self.gain is None or not self.facts.fan_in:
            return None
        return self.gain * math.sqrt(max((self.facts.fan_out or 0) / self.facts.fan_in, 1.0))


def is_norm(kind: str) -> bool:
    """Whether a class name is that of a normalisation layer.

    >>> is_norm("BatchNorm2d"), is_norm("Linear")
    (True, False)
    """
    return "Norm" in kind


def initial_layers(case: Case) -> tuple[InitialLayer, ...]:
    """Weighted layers with readings in forward order, without norms and embeddings."""
    if case.batch is None or case.recipe is None:
        return ()
    found = (
        (layer, case.batch.layer(layer.name))
        for layer in sorted(case.recipe.model.layers, key=lambda layer: layer.order)
        if not is_norm(layer.kind) and "Embedding" not in layer.kind
    )
    return tuple(InitialLayer(facts, readings) for facts, readings in found if readings)


def expected_initial_loss(case: Case) -> float | None:
    """Loss of an untrained model that guesses blindly: outputs near 0, or all classes alike.

    For scores it is the larger of ln C and the labels' entropy (a model that does not know the
    class frequencies yet is no fault); for values it is the loss of the output 0.
    """
    batch, kind = case.batch, case.recipe.loss_kind if case.recipe is not None else "custom"
    if batch is None or batch.expected_loss is None or batch.sum_reduction:
        return None
    if kind in SCORE_LOSSES:
        return max(batch.expected_loss, _blind_loss(batch, kind))
    mean, std = batch.targets.mean, batch.targets.std
    if kind in VALUE_LOSSES and mean is not None and std is not None:
        zero = mean * mean + std * std if kind == "mse" else math.hypot(mean, std)
        return max(batch.expected_loss, zero)
    return batch.expected_loss


def initial_excess(case: Case) -> float | None:
    """How far the untrained model's loss lies above the expected one, relative to it."""
    expected = expected_initial_loss(case)
    actual = case.batch.initial_loss if case.batch is not None else None
    if expected is None or actual is None or not expected > 0 or not math.isfinite(actual):
        return None
    return actual / expected - 1.0


def classes_out(batch: BatchFacts) -> int | None:
    """Number of scores per row, None where the output has no class dimension."""
    shape = batch.outputs.shape if batch.outputs is not None else ()
    return shape[1] if len(shape) >= 2 else None


def scores_a_row(case: Case) -> int | None:
    """Number of scores per row: of the output seen, else the units of the output layer.

    The latter serves where no forward pass got through, as with a label that is out of range.
    """
    if case.batch is not None and case.batch.outputs is not None:
        return classes_out(case.batch)
    layers = case.recipe.model.layers if case.recipe is not None else ()
    last = next((layer for layer in layers if layer.output and layer.kind == "Linear"), None)
    return last.weight_shape[0] if last is not None and last.weight_shape else None


def _blind_loss(batch: BatchFacts, kind: str) -> float:
    if kind in ("bce", "bce-with-logits"):
        return math.log(2.0)
    return uniform_loss(classes_out(batch) or len(batch.targets.class_counts))
