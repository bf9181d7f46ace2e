"""Rates of their own for named parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from torchclinic.core import UsageError
from torchclinic.optim.groups.globs import matching
from torchclinic.optim.groups.rule import Options, parameter_groups


@dataclass(frozen=True)
class Rates:
    """Gives the parameters that a glob names a rate of their own; of several globs the last.

    Args:
        rates: (glob, learning rate) pairs.
    """

    rates: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        for glob, rate in self.rates:
            if not 0 <= rate < float("inf"):
                raise UsageError(f"the rate of {glob!r} is {rate}", hint="a number of at least 0")

    def __call__(self, model: nn.Module, options: dict[str, Options]) -> None:
        """Set the rates."""
        for glob, rate in self.rates:
            for name in matching(model, [glob]).keys() & options.keys():
                options[name]["lr"] = rate


def discriminative_groups(
    model: nn.Module, rates: Mapping[str, float], *, default: float
) -> list[Options]:
    """A group for each learning rate, by globs over the parameters' names.

    Args:
        model: Its trainable parameters are grouped.
        rates: Glob -> learning rate, such as `{"encoder": 1e-4, "head": 1e-2}`; of several that
            match the last counts.
        default: For what no glob names.

    Returns:
        Groups to be given to an optimizer.

    Raises:
        ModelError: For a model without a trainable parameter.
        UsageError: For a glob that names no parameter, or a rate below 0.

    Source: Howard and Ruder 2018, ULMFiT, section 3.2, arXiv 1801.06146.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    >>> [(g["lr"], g["names"]) for g in discriminative_groups(net, {"2": 0.1}, default=0.01)]
    [(0.01, ['0.weight', '0.bias']), (0.1, ['2.weight', '2.bias'])]
    """
    return parameter_groups(model, [Rates(tuple(rates.items()))], lr=default)
