"""GroupRule: what single parameters are to have that the others have not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import nn

from torchclinic.optim.building import trainable

Options = dict[str, Any]


class GroupRule(Protocol):
    """Changes the options of single parameters. Frozen and comparable."""

    def __call__(self, model: nn.Module, options: dict[str, Options]) -> None:
        """Change `options`, parameter name -> the options of its group, in place.

        Each parameter's options hold at least "lr" and, where the optimizer has one, its
        "weight_decay".
        """
        ...


def parameter_groups(model: nn.Module, rules: Sequence[GroupRule], **options: Any) -> list[Options]:
    """Parameter groups for any optimizer of torch: one for each set of options that differs.

    Args:
        model: Its trainable parameters are grouped, in their order.
        rules: Applied one after the other.
        options: Of the optimizer, as far as rules change them ("lr", "weight_decay").

    Returns:
        Groups with "params", "names" of them, and the options that a rule may have changed.

    Raises:
        ModelError: For a model without a trainable parameter.
        UsageError: From a rule that does not fit the model.

    >>> from torchclinic.optim.groups import NoDecay
    >>> groups = parameter_groups(nn.Linear(2, 1), [NoDecay()], lr=0.1, weight_decay=0.01)
    >>> [(group["names"], group["weight_decay"]) for group in groups]
    [(['weight'], 0.01), (['bias'], 0.0)]
    """
    parameters = trainable(model)
    each = {name: dict(options) for name in parameters}
    for rule in rules:
        rule(model, each)
    groups: dict[tuple[tuple[str, Any], ...], Options] = {}
    for name, own in each.items():
        key = tuple(sorted(own.items()))
        group = groups.setdefault(key, {"params": [], "names": [], **own})
        group["params"].append(parameters[name])
        group["names"].append(name)
    return list(groups.values())
