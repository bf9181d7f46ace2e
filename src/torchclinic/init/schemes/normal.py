"""A fixed normal distribution, whatever the width."""

from __future__ import annotations

from torchclinic.core import UsageError
from torchclinic.init.schemes.scheme import SCHEMES, Scheme

STD = 0.02  # Radford et al. 2018 (GPT); Devlin et al. 2018 (BERT), arXiv 1810.04805


def normal(std: float = STD) -> Scheme:
    """N(0, std^2) for every weight.

    Raises:
        UsageError: For a standard deviation that is not above 0.

    Source: Devlin et al. 2018, appendix A.2, arXiv 1810.04805, for 0.02.

    >>> normal(0.1).title
    'normal, std 0.1'
    """
    if not 0 < std < float("inf"):
        raise UsageError(f"std is {std}", hint="above 0; the scheme 'zeros' is for zeros")
    return Scheme(
        "normal",
        f"normal, std {std:g}",
        lambda fill: fill.normal(std),
        lambda _: std,
        "Devlin et al. 2018, appendix A.2, arXiv 1810.04805",
        with_options=normal,
    )


NORMAL = SCHEMES.add("normal", normal())
