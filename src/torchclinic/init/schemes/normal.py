"""A fixed small normal distribution, whatever the width."""

from __future__ import annotations

from torchclinic.init.schemes.scheme import SCHEMES, Scheme

STD = 0.02  # Radford et al. 2018 (GPT); Devlin et al. 2018 (BERT), arXiv 1810.04805

NORMAL = SCHEMES.add(
    "normal",
    Scheme(
        "normal",
        f"normal, std {STD}",
        lambda fill: fill.normal(STD),
        lambda _: STD,
        "Devlin et al. 2018, appendix A.2, arXiv 1810.04805",
    ),
)
