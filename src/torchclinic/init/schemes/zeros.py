"""Zeros everywhere: the counter-example from which nothing is learnt."""

from __future__ import annotations

import dataclasses

from torchclinic.init.schemes.constant import constant
from torchclinic.init.schemes.scheme import SCHEMES

# No gradient reaches a layer below another one of zeros; see `constant` for the rest.
ZEROS = SCHEMES.add(
    "zeros", dataclasses.replace(constant(0.0), name="zeros", title="zeros", with_options=None)
)
