"""Which runs of a study go together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from torchclinic.core import Recipe
from torchclinic.engine.arm_run import Cell
from torchclinic.engine.stacked.blueprint import Blueprint, draw_up
from torchclinic.engine.stacked.choosing import MAPPED_FROM, Kind, Make, choose_network


@dataclass(frozen=True)
class StackGroup:
    """Runs that are one batched computation.

    Attributes:
        kind: How it is computed: "perceptron" by hand-written products of whole stacks, "mapped"
            with `torch.func.vmap`.
        cells: Arm and seed of each run, seed after seed.
        size: Most members computed at a time.
        blueprints: Of each arm.
        make: Makes what computes the gradients.
    """

    kind: Kind
    cells: tuple[Cell, ...]
    size: int
    blueprints: Mapping[str, Blueprint] = field(repr=False, compare=False)
    make: Make = field(repr=False, compare=False)


@dataclass(frozen=True)
class StackPlan:
    """Which runs are stacked, and why others are not.

    Attributes:
        groups: The stacks.
        alone: One line of why for each arm whose runs are made one by one.
    """

    groups: tuple[StackGroup, ...]
    alone: Mapping[str, str]


def plan_stacks(arms: Mapping[str, Recipe], seeds: Iterable[int]) -> StackPlan:
    """Which runs can be one batched computation. No training is begun.

    One model an arm is built and tried on a batch; that all seeds of an arm give models of one
    structure is taken for granted here and seen to later.

    Args:
        arms: Name -> recipe.
        seeds: The same for all arms.

    >>> import torch
    >>> from functools import partial
    >>> from torch import nn, optim
    >>> recipe = Recipe(model=lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)),
    ...                 data=(torch.ones(8, 2), torch.ones(8, 1)), loss=nn.MSELoss(),
    ...                 optimizer=partial(optim.SGD, lr=0.1), steps=3)
    >>> arms = {"a": recipe, "b": recipe.replace(clip_norm=1.0), "c": recipe.replace(accumulate=2)}
    >>> plan = plan_stacks(arms, range(3))
    >>> [group.cells for group in plan.groups]
    [(('a', 0), ('a', 1), ('a', 2)), (('b', 0), ('b', 1), ('b', 2))]
    >>> plan.alone
    {'c': 'it accumulates the gradients of 2 batches'}
    """
    chosen = tuple(seeds)
    found: dict[Hashable, list[tuple[str, Blueprint]]] = {}
    alone: dict[str, str] = {}
    for arm, recipe in arms.items():
        blueprint = draw_up(recipe, chosen[0] if chosen else 0)
        if isinstance(blueprint, str):
            alone[arm] = blueprint
        else:
            found.setdefault(blueprint.key, []).append((arm, blueprint))
    groups: list[StackGroup] = []
    for known in found.values():
        group = _group(arms, known, chosen)
        if isinstance(group, str):
            alone |= dict.fromkeys((arm for arm, _ in known), group)
        else:
            groups.append(group)
    return StackPlan(tuple(groups), alone)


def why_not_stacked(recipe: Recipe) -> str | None:
    """In one line why runs of a recipe, however many, are not stacked; None if they can be.

    Args:
        recipe: It is built and tried on one batch.

    >>> from torch import nn
    >>> why_not_stacked(Recipe(model=list, data=[], step=min, optimizer=list, steps=1))
    'it has a step of its own'
    """
    return plan_stacks({"": recipe}, range(MAPPED_FROM)).alone.get("")


def _group(
    arms: Mapping[str, Recipe], known: Sequence[tuple[str, Blueprint]], seeds: Sequence[int]
) -> StackGroup | str:
    blueprints = dict(known)
    first, blueprint = known[0]
    choice = choose_network(arms[first], blueprint, len(known) * len(seeds))
    if isinstance(choice, str):
        return choice
    cells = tuple((arm, seed) for seed in seeds for arm in blueprints)
    return StackGroup(choice.kind, cells, choice.size, blueprints, choice.make)
