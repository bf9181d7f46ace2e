"""No norm at all."""

from __future__ import annotations

from torchclinic.nn.surgery.norms.registry import NormKind, register

NONE = register(NormKind(name="none", formula="the input as it is", source="-"))
