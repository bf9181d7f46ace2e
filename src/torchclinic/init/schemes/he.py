"""He initialisation: keeps the second moment going forward."""

from __future__ import annotations

from torchclinic.init.schemes.scheme import SCHEMES, Fill, Scheme


def he_std(fill: Fill) -> float:
    r"""$\sigma = g / \sqrt{n_{in}}$.

    >>> round(he_std(Fill((4, 8), 8, 4, 2**0.5)), 4)
    0.5
    """
    return fill.gain / fill.fan_in**0.5


HE = SCHEMES.add(
    "he",
    Scheme(
        "he",
        "He normal",
        lambda fill: fill.normal(he_std(fill)),
        he_std,
        "He et al. 2015, section 2.2, arXiv 1502.01852",
    ),
)
