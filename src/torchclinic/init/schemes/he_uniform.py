"""He initialisation from a uniform distribution of the same variance."""

from __future__ import annotations

from torchclinic.init.schemes.he import he_std
from torchclinic.init.schemes.scheme import SCHEMES, Scheme

HE_UNIFORM = SCHEMES.add(
    "he-uniform",
    Scheme(
        "he-uniform",
        "He uniform",
        lambda fill: fill.uniform(3**0.5 * he_std(fill)),
        he_std,
        "He et al. 2015, section 2.2, arXiv 1502.01852",
    ),
)
