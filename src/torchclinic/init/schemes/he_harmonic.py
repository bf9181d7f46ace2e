"""He initialisation between its two forms: the harmonic mean of their variances."""

from __future__ import annotations

from torchclinic.init.schemes.scheme import SCHEMES, Fill, Scheme


def he_harmonic_std(fill: Fill) -> float:
    r"""$\sigma^2$ is the harmonic mean of $g^2 / n_{in}$ and $g^2 / n_{out}$.

    That is $2 g^2 / (n_{in} + n_{out})$, so it is Xavier's normal form with the gain of the
    activation: what Xavier compromises on for a linear net, this does for a rectified one.

    >>> round(he_harmonic_std(Fill((12, 4), 4, 12, 2**0.5)), 6)
    0.5
    """
    forward, backward = fill.gain**2 / fill.fan_in, fill.gain**2 / fill.fan_out
    return (2 / (1 / forward + 1 / backward)) ** 0.5


HE_HARMONIC = SCHEMES.add(
    "he-harmonic",
    Scheme(
        "he-harmonic",
        "He normal, harmonic mean",
        lambda fill: fill.normal(he_harmonic_std(fill)),
        he_harmonic_std,
        "He et al. 2015, arXiv 1502.01852; Glorot and Bengio 2010, equation 12, for the mean",
    ),
)
