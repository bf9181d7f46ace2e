"""Tensor -> number formulas, stateless."""

from torchclinic.functional.activation import (
    ACTIVATIONS,
    Activation,
    activation_name,
    is_saturating,
    saturated_share,
    saturation_threshold,
    silences,
    silent_units,
)

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "activation_name",
    "is_saturating",
    "saturated_share",
    "saturation_threshold",
    "silences",
    "silent_units",
]
