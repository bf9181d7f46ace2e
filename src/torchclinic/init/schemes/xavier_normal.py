"""Xavier initialisation from a normal distribution of the same variance."""

from __future__ import annotations

from torchclinic.init.schemes.scheme import SCHEMES, Scheme
from torchclinic.init.schemes.xavier import xavier_std

XAVIER_NORMAL = SCHEMES.add(
    "xavier-normal",
    Scheme(
        "xavier-normal",
        "Xavier normal",
        lambda fill: fill.normal(xavier_std(fill)),
        xavier_std,
        "Glorot and Bengio 2010, equation 12, AISTATS",
    ),
)
