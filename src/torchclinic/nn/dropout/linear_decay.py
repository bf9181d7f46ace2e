"""The rule that lets deep branches be dropped more often than early ones."""

from __future__ import annotations

from torch import nn

from torchclinic.core import SurgeryError
from torchclinic.nn.checks import at_least, probability
from torchclinic.nn.dropout.stochastic_depth import StochasticDepth


def linear_decay(branches: int, last: float = 0.5) -> list[float]:
    r"""Drop probabilities that grow linearly with depth, from `last / branches` to `last`.

    $p_l = \frac{l}{L} p_L$ for l = 1 ... L

    Early branches find the features that all later ones use, and are seldom dropped.

    Args:
        branches: Number of residual branches.
        last: Probability of dropping the last one.

    Raises:
        UsageError: Without branches, or for a probability outside [0, 1].

    Source: Huang et al. 2016, equation 4, arXiv 1603.09382 (survival probabilities there).

    >>> linear_decay(4, 0.5)
    [0.125, 0.25, 0.375, 0.5]
    """
    at_least(branches, 1, "branches")
    last = probability(last, "last")
    return [last * (place + 1) / branches for place in range(branches)]


def set_linear_decay(model: nn.Module, last: float = 0.5) -> list[float]:
    """Give the `StochasticDepth` modules of a model the rates of `linear_decay`.

    Args:
        model: Its modules are taken in the order of registration.
        last: Probability of dropping the last branch.

    Returns:
        The rates.

    Raises:
        UsageError: For a probability outside [0, 1].
        SurgeryError: If the model has no such module.

    >>> model = nn.Sequential(StochasticDepth(0.0), nn.ReLU(), StochasticDepth(0.0))
    >>> set_linear_decay(model, 0.5), model[0].p
    ([0.25, 0.5], 0.25)
    """
    found = [module for module in model.modules() if isinstance(module, StochasticDepth)]
    if not found:
        raise SurgeryError(
            f"{type(model).__name__} has no StochasticDepth",
            hint="put one last into each residual branch",
        )
    rates = linear_decay(len(found), last)
    for module, rate in zip(found, rates, strict=True):
        module.p = rate
    return rates
