"""Parameter groups within a Recipe's optimizer factory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer

from torchclinic.core import UsageError
from torchclinic.optim.building import options_of_factory, takes_model
from torchclinic.optim.groups.rule import GroupRule, parameter_groups


@dataclass(frozen=True)
class GroupedOptimizer:
    """`factory(model) -> optimizer` with the parameters in groups; see `grouped`."""

    factory: Callable[..., Any]
    rules: tuple[GroupRule, ...]

    def __call__(self, model: nn.Module) -> Optimizer:
        """Build it. The argument's name tells the training to hand over the model."""
        options = options_of_factory(self.factory)
        used = {key: options[key] for key in ("lr", "weight_decay") if key in options}
        groups = parameter_groups(model, self.rules, **used)
        for group in groups:
            unknown = group.keys() - options.keys() - {"params", "names"}
            if unknown:
                raise UsageError(f"{self.factory!r} has no {sorted(unknown)[0]!r} to be grouped by")
            del group["names"]
        return self.factory(groups)


def grouped(factory: Callable[..., Any], *rules: GroupRule) -> GroupedOptimizer:
    """An optimizer factory for a Recipe that puts the model's parameters into groups.

    Args:
        factory: Of parameters, such as `make("adamw", lr=1e-3, weight_decay=0.01)`.
        rules: `NoDecay()`, `LayerWise(0.8)`, `Rates((("head", 1e-2),))`, one after the other.

    Raises:
        UsageError: For a factory that takes the whole model, or no rule; when called, for a rule
            about an option that the optimizer does not have.

    >>> from torchclinic.optim import make
    >>> from torchclinic.optim.groups import LayerWise, NoDecay
    >>> factory = grouped(make("adamw", lr=0.1), NoDecay(), LayerWise(0.5))
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    >>> [(g["lr"], g["weight_decay"]) for g in factory(model).param_groups]
    [(0.05, 0.01), (0.05, 0.0), (0.1, 0.01), (0.1, 0.0)]
    """
    if not rules or takes_model(factory):
        raise UsageError(
            f"{factory!r:.60} with {len(rules)} rules cannot be grouped",
            hint="a factory of parameters and at least one rule",
        )
    return GroupedOptimizer(factory, rules)
