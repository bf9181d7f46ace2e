"""What was given as the optimizer: torch optimizers to hook, and what is said about the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer

from torchclinic.core.errors import UsageError


@dataclass(frozen=True)
class Steppers:
    """Who ends a step.

    Attributes:
        first: The optimizer whose step counts; None when backward passes count.
        others: Further optimizers.
    """

    first: Optimizer | None
    others: tuple[Optimizer, ...] = ()

    @classmethod
    def of(cls, given: Any) -> Steppers:
        """From None, an optimizer, something that wraps one as `.optimizer`, or several of these.

        Raises:
            UsageError: Something that is no optimizer.

        >>> Steppers.of(None).first is None
        True
        """
        if given is None:
            return cls(None)
        several = given if isinstance(given, Sequence) else (given,)
        found = [_torch_optimizer(one) for one in several]
        return cls(found[0], tuple(found[1:])) if found else cls(None)

    def updated(self, parameters: Sequence[nn.Parameter]) -> list[nn.Parameter] | None:
        """Parameters whose update is seen; None for all."""
        if not self.others:
            return None
        foreign = {id(p) for other in self.others for p in _held(other)}
        own = {id(p) for p in _held(self.first)}
        return [p for p in parameters if id(p) in own or id(p) not in foreign]

    def notes(self) -> list[str]:
        """What is not read because of them, and why."""
        notes: list[str] = []
        if self.first is None:
            notes.append(
                "No optimizer was given: each backward pass counts as a step, the update is what "
                "changed until the next one, and no learning rate is read."
            )
        if self.others:
            notes.append(
                f"{len(self.others) + 1} optimizers were given: the steps of the first count, and "
                "the update of parameters that only the others hold is not read."
            )
        return notes


def _held(optimizer: Optimizer | None) -> list[nn.Parameter]:
    groups = optimizer.param_groups if optimizer is not None else []
    return [parameter for group in groups for parameter in group["params"]]


def _torch_optimizer(given: Any) -> Optimizer:
    inner = given
    while not isinstance(inner, Optimizer):
        if not hasattr(inner, "optimizer"):
            raise UsageError(
                f"{type(given).__name__} is no torch optimizer",
                hint="give a torch.optim.Optimizer, or nothing to count backward passes",
            )
        inner = inner.optimizer
    return inner
