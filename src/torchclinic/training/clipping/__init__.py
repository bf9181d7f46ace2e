"""Limits on gradients and weights that torch lacks.

Torch has clipping by the total norm and by value: `nn.utils.clip_grad_norm_` and
`clip_grad_value_`.
"""

from torchclinic.training.clipping.adaptive import agc_
from torchclinic.training.clipping.max_norm import max_norm_
from torchclinic.training.clipping.units import unit_norms

__all__ = ["agc_", "max_norm_", "unit_norms"]
