"""He initialisation: keeps the variance of the gradients going backward."""

from __future__ import annotations

from torchclinic.init.schemes.scheme import SCHEMES, Fill, Scheme


def he_fan_out_std(fill: Fill) -> float:
    r"""$\sigma = g / \sqrt{n_{out}}$.

    >>> he_fan_out_std(Fill((8, 4), 4, 8, 2**0.5))
    0.5
    """
    return fill.gain / fill.fan_out**0.5


HE_FAN_OUT = SCHEMES.add(
    "he-fan-out",
    Scheme(
        "he-fan-out",
        "He normal, fan_out",
        lambda fill: fill.normal(he_fan_out_std(fill)),
        he_fan_out_std,
        "He et al. 2015, section 2.2, equation 14, arXiv 1502.01852",
    ),
)
