"""The members' optimizer options at each of the next steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from torchclinic.engine.stacked.member import Member
from torchclinic.engine.stacked.optimizers import Rule, Table


@dataclass(frozen=True)
class Plan:
    """What the optimizers will do in the next steps.

    Attributes:
        tables: One for each parameter group: option -> (steps, members).
        rates: For each member, the learning rates that are recorded.
    """

    tables: tuple[Table, ...]
    rates: tuple[list[float], ...]


def plan_ahead(members: Sequence[Member], rules: Sequence[type[Rule]], count: int) -> Plan:
    """Step the members' schedules `count` times, and take down what they set.

    Args:
        members: Of one stack.
        rules: The formula of each parameter group.
        count: Steps.
    """
    names = tuple(rule.numbers for rule in rules)
    found = [member.scheduled(names, count) for member in members]
    tables: list[Table] = []
    for group, options in enumerate(names):
        # members, steps, options -> options, steps, members
        values = np.array([[step[group] for step in taken] for taken, _ in found], dtype=np.float64)
        columns = np.moveaxis(values, (0, 1, 2), (2, 1, 0))
        tables.append(dict(zip(options, columns, strict=True)))
    return Plan(tuple(tables), tuple(rates for _, rates in found))
