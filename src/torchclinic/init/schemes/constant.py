"""One number for all weights: the counter-example."""

from __future__ import annotations

import math

import torch

from torchclinic.core import UsageError
from torchclinic.init.schemes.scheme import SCHEMES, Scheme

VALUE = 0.01


def constant(value: float = VALUE) -> Scheme:
    """The same value everywhere, as a counter-example.

    All units of a layer compute the same and get the same gradient, so they stay the same for ever:
    the layer is one unit wide.

    Raises:
        UsageError: For a value that is not finite.

    Source: Goodfellow et al. 2016, Deep Learning, section 8.4 (breaking symmetry).

    >>> constant(0.5).title
    'constant 0.5'
    """
    if not math.isfinite(value):
        raise UsageError(f"value is {value}", hint="a finite number")
    return Scheme(
        "constant",
        f"constant {value:g}",
        lambda fill: torch.full(fill.shape, float(value)),
        lambda _: 0.0,
        "Goodfellow et al. 2016, section 8.4",
        with_options=constant,
    )


CONSTANT = SCHEMES.add("constant", constant())
