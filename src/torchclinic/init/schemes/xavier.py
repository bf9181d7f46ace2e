"""Xavier initialisation: between keeping the variance forward and keeping it backward."""

from __future__ import annotations

from torchclinic.init.schemes.scheme import SCHEMES, Fill, Scheme


def xavier_std(fill: Fill) -> float:
    r"""$\sigma = g \sqrt{2 / (n_{in} + n_{out})}$.

    The uniform form has $b = g \sqrt{6 / (n_{in} + n_{out})}$, as $b = \sqrt 3 \sigma$. With the
    root over the 6 alone, as it is sometimes written, the weights would be too small by
    $\sqrt{n_{in} + n_{out}}$ and signals would vanish.

    >>> xavier_std(Fill((4, 4), 4, 4, 1.0))
    0.5
    """
    return fill.gain * (2.0 / (fill.fan_in + fill.fan_out)) ** 0.5


XAVIER = SCHEMES.add(
    "xavier",
    Scheme(
        "xavier",
        "Xavier uniform",
        lambda fill: fill.uniform(3**0.5 * xavier_std(fill)),
        xavier_std,
        "Glorot and Bengio 2010, equation 16, AISTATS",
    ),
)
