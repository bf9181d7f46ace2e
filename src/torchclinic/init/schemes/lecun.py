"""LeCun initialisation: unit variance for layers without gain, and for SELU."""

from __future__ import annotations

from torchclinic.init.schemes.scheme import SCHEMES, Fill, Scheme


def lecun_std(fill: Fill) -> float:
    r"""$\sigma = 1 / \sqrt{n_{in}}$, whatever the activation.

    >>> lecun_std(Fill((4, 4), 4, 4, 2.0))
    0.5
    """
    return fill.fan_in**-0.5


LECUN = SCHEMES.add(
    "lecun",
    Scheme(
        "lecun",
        "LeCun normal",
        lambda fill: fill.normal(lecun_std(fill)),
        lecun_std,
        "LeCun et al. 1998, Efficient BackProp, equation 16; Klambauer 2017, arXiv 1706.02515",
    ),
)
