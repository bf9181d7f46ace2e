"""What a user calls arms, as a tuple of Arm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torchclinic.core import Recipe, UsageError
from torchclinic.study.arms.arm import Arm
from torchclinic.study.arms.grid import grid as grid_arms
from torchclinic.study.arms.variants import variants

Arms = Mapping[str, "Recipe | Arm"] | Recipe | Iterable[Any]


def collect_arms(
    arms: Arms,
    *,
    grid: Mapping[str, Iterable[Any]] | None = None,
    changes: Mapping[str, Any] | Iterable[Mapping[str, Any]] | None = None,
) -> tuple[Arm, ...]:
    """The arms that a study is asked for.

    Args:
        arms: Name -> Recipe (or Arm, as `grid` and `variants` make them); one Recipe with `grid`
            or `changes`; or several Recipes, known by their own names.
        grid: Axes over the one Recipe.
        changes: Changes over the one Recipe; the unchanged Recipe is the first arm.

    Raises:
        UsageError: When there is no arm, two have one name, or something is no Recipe.

    >>> recipe = Recipe(model=list, data=[], loss=min, optimizer=list, steps=1)
    >>> [arm.name for arm in collect_arms({"plain": recipe, "long": recipe.replace(steps=2)})]
    ['plain', 'long']
    """
    found = _found(arms, grid, changes)
    if not found:
        raise UsageError("there are no arms", hint='compare({"plain": a, "dropout": b})')
    names = [arm.name for arm in found]
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise UsageError(f"an arm is called {name!r}", hint="give it a name")
        if names.count(name) > 1:
            raise UsageError(f"two arms are called {name!r}", hint="give them names of their own")
    return tuple(found)


def _found(arms: Arms, grid: Any, changes: Any) -> list[Arm]:
    if isinstance(arms, Recipe):
        return _over_one(arms, grid, changes)
    if grid is not None or changes is not None:
        raise UsageError(
            "a grid or changes go with one Recipe, and several arms are given",
            hint="compare(recipe, grid={...}), or grid(recipe, {...}) for each",
        )
    if isinstance(arms, Mapping):
        return [_arm(name, value) for name, value in arms.items()]
    if isinstance(arms, Iterable):
        return [_arm(getattr(value, "name", ""), value) for value in arms]
    raise UsageError(f"the arms are {arms!r:.60}", hint="a mapping of names to Recipes")


def _over_one(recipe: Recipe, grid: Any, changes: Any) -> list[Arm]:
    found: dict[str, Arm] = {}
    if changes is not None:
        found[recipe.name] = Arm(recipe.name, recipe)
        found |= variants(recipe, changes)
    if grid is not None:
        found |= grid_arms(recipe, grid)
    return list(found.values()) or [Arm(recipe.name, recipe)]


def _arm(name: Any, value: Any) -> Arm:
    if isinstance(value, Arm):
        return Arm(name, value.recipe.replace(name=name), value.changes)
    if isinstance(value, Recipe):
        return Arm(name, value)
    raise UsageError(f"arm {name!r} is {value!r:.60}, not a Recipe", hint="tc.Recipe(...)")
