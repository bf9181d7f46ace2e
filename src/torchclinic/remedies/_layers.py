"""Questions that remedies ask about the layers in the facts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torchclinic.core import Case, LayerFacts, ModelFacts
from torchclinic.functional import is_saturating
from torchclinic.graph import is_norm
from torchclinic.graph.layer_kinds import CONVOLUTIONS, RECURRENT, TRANSPOSED

DENSE = ("Linear", "Parameter")
CONVOLUTIONAL = (*CONVOLUTIONS, *TRANSPOSED)
PLAIN = (*DENSE, *CONVOLUTIONAL)


def model_of(case: Case) -> ModelFacts | None:
    """The model's facts."""
    return case.recipe.model if case.recipe else None


def weighted(facts: ModelFacts) -> tuple[LayerFacts, ...]:
    """Layers with weights, norms left out, in forward order."""
    return tuple(layer for layer in facts.layers if not is_norm(layer.kind))


def hidden(facts: ModelFacts) -> tuple[LayerFacts, ...]:
    """Linear and convolutional layers, and bare parameters, that are not the output's."""
    return tuple(layer for layer in weighted(facts) if layer.kind in PLAIN and not layer.output)


def hidden_with(facts: ModelFacts, activations: frozenset[str] | None) -> tuple[LayerFacts, ...]:
    """Hidden layers followed by one of these activations; by any saturating one for None."""
    return tuple(
        layer
        for layer in hidden(facts)
        if (
            is_saturating(layer.activation)
            if activations is None
            else layer.activation in activations
        )
    )


def without_norm(facts: ModelFacts) -> tuple[LayerFacts, ...]:
    """Hidden layers that lack a norm before their activation.

    Layers of residual blocks in a model that has norms are left out: those blocks have theirs
    where their author wanted them. Of a block without any, the convolution before the sum counts.
    """
    before_norm = {first.name for first, second in pairwise(facts.layers) if is_norm(second.kind)}
    return tuple(
        layer
        for layer in hidden(facts)
        if not layer.normalised
        and (facts.order_known or layer.name not in before_norm)
        and not (layer.residual and facts.norms)
        and (layer.activation is not None or (layer.residual and layer.kind in CONVOLUTIONAL))
    )


GATES = ("sigmoid", "hardsigmoid", "softmax")
TORCHS_OWN = ("MultiheadAttention",)


def are_sure(facts: ModelFacts, layers: Sequence[LayerFacts]) -> bool:
    """Whether surgery, which sees the operations, will choose just these layers.

    Not inside blocks that torch wrote, and not where a sigmoid beside other activations may be a
    gate, which the facts do not tell from a hidden activation.
    """
    followed = {layer.activation for layer in hidden(facts) if layer.activation}
    mixed = len(followed) > 1 and any(layer.activation in GATES for layer in layers)
    return not mixed and not any(layer.kind in TORCHS_OWN for layer in facts.layers)


def names_tell(facts: ModelFacts, layers: Sequence[LayerFacts]) -> bool:
    """Whether code can go by the names of these layers: they are modules and `are_sure`."""
    return are_sure(facts, layers) and all(layer.kind != "Parameter" for layer in layers)


def after_recurrent(facts: ModelFacts) -> tuple[LayerFacts, ...]:
    """Linear layers that directly follow a recurrent one."""
    layers = weighted(facts)
    return tuple(
        second
        for first, second in pairwise(layers)
        if first.kind in RECURRENT and second.kind == "Linear"
    )


def units(layer: LayerFacts) -> int | None:
    """Number of units of a layer, None where its weight does not tell."""
    shape = layer.weight_shape
    if len(shape) < 2:
        return None
    if layer.kind == "Parameter":  # as in x @ w; fan_out says which side the units are on
        return layer.fan_out
    return shape[1] if layer.kind in TRANSPOSED else shape[0]
