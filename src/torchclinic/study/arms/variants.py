"""variants: arms as changes over one recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torchclinic.core import Recipe, UsageError
from torchclinic.study.arms.arm import Arm
from torchclinic.study.arms.paths import changed

Change = Mapping[str, Any] | Callable[[Recipe], Recipe] | Recipe


def variants(
    recipe: Recipe, changes: Mapping[str, Change] | Iterable[Mapping[str, Any]]
) -> Mapping[str, Arm]:
    """Arms that differ from one recipe by what is listed.

    Args:
        recipe: The base.
        changes: Name of an arm -> what it changes: a mapping of dotted names to values (see
            `changed`; an empty one is the base itself), a function Recipe -> Recipe, or a finished
            Recipe. A list of mappings is named after what they set.

    Returns:
        Name -> arm, in the order given.

    Raises:
        UsageError: When a change leads nowhere, or two arms have one name.

    >>> from functools import partial
    >>> from torch.optim import SGD
    >>> base = Recipe(model=list, data=[], loss=min, optimizer=partial(SGD, lr=0.1), steps=1)
    >>> list(variants(base, [{}, {"optimizer.lr": 1.0, "batch_size": 8}]))
    ['base', 'lr=1.0 batch_size=8']
    """
    named = _named(changes)
    arms: dict[str, Arm] = {}
    for name, change in named:
        if name in arms:
            raise UsageError(f"two arms are called {name!r}", hint="give them names of their own")
        arms[name] = _arm(recipe, name, change)
    return arms


def label(fields: Mapping[str, Any]) -> str:
    """A name for a set of changes: the last part of each dotted name, and its value.

    >>> label({"optimizer.lr": 0.1, "batch_size": 32})
    'lr=0.1 batch_size=32'
    """
    words = [f"{path.rpartition('.')[2]}={value_words(value)}" for path, value in fields.items()]
    return " ".join(words) or "base"


def value_words(value: Any) -> str:
    """A value as it is written in names: numbers and strings plainly, objects by their name."""
    if isinstance(value, str | int | float | bool | None):
        return str(value)
    inner = getattr(value, "func", value)
    return str(
        getattr(value, "name", None) or getattr(inner, "__name__", None) or type(inner).__name__
    )


def _arm(recipe: Recipe, name: str, change: Any) -> Arm:
    if isinstance(change, Recipe):
        return Arm(name, change.replace(name=name))
    if isinstance(change, Mapping):
        words = ", ".join(f"{path} = {value_words(value)}" for path, value in change.items())
        return Arm(name, changed(recipe, change).replace(name=name), words)
    if callable(change):
        made = change(recipe)
        if isinstance(made, Recipe):
            return Arm(name, made.replace(name=name), getattr(change, "__name__", ""))
        raise UsageError(f"arm {name!r}: its change returns {type(made).__name__}, not a Recipe")
    raise UsageError(
        f"arm {name!r} is {change!r:.60}",
        hint="a mapping of changes, a function Recipe -> Recipe, or a Recipe",
    )


def _named(changes: Any) -> list[tuple[str, Any]]:
    if isinstance(changes, Mapping):
        return list(changes.items())
    found = list(changes)
    for fields in found:
        if not isinstance(fields, Mapping):
            raise UsageError(
                f"a change is {fields!r:.60}", hint='a mapping such as {"optimizer.lr": 0.1}'
            )
    return [(label(fields), fields) for fields in found]
