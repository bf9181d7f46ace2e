"""A uniform distribution: fixed, or the one that torch gives its layers."""

from __future__ import annotations

from torchclinic.core import UsageError
from torchclinic.init.schemes.scheme import SCHEMES, Fill, Scheme


def uniform(bound: float | None = None) -> Scheme:
    r"""U(-b, b); without a bound $b = 1 / \sqrt{n_{in}}$, which is torch's own for its layers.

    Torch writes the same as `kaiming_uniform_(a=sqrt(5))`. Its standard deviation is
    $1 / \sqrt{3 n_{in}}$: smaller than any of the schemes that keep a variance.

    Raises:
        UsageError: For a bound that is not above 0.

    Source: LeCun et al. 1998, Efficient BackProp; torch.nn.Linear.reset_parameters.

    >>> uniform(0.3).std(Fill((4, 4), 4, 4, 1.0)) == 0.3 / 3**0.5
    True
    """
    if bound is not None and not 0 < bound < float("inf"):
        raise UsageError(f"bound is {bound}", hint="above 0, or None for 1 / sqrt(fan_in)")

    def chosen(fill: Fill) -> float:
        return fill.fan_in**-0.5 if bound is None else bound

    return Scheme(
        "uniform",
        "uniform, 1 / sqrt(fan_in)" if bound is None else f"uniform, bound {bound:g}",
        lambda fill: fill.uniform(chosen(fill)),
        lambda fill: chosen(fill) / 3**0.5,
        "torch.nn.Linear.reset_parameters",
        with_options=uniform,
    )


UNIFORM = SCHEMES.add("uniform", uniform())
