"""What `compare` is pointed at: a study.toml, or Python code that holds arms."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torchclinic.cli.options import load
from torchclinic.core.errors import RecipeError, UsageError
from torchclinic.core.recipe import Recipe

# What a study.toml may say besides recipe, arms and grid: key -> its type in words.
_SETTINGS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "name": ((str,), "a text"),
    "seeds": ((int, list), "how many, or a list of them"),
    "engine": ((str,), '"auto", "sequential", "stacked" or "ray"'),
    "address": ((str,), "a text"),
    "parallel": ((int,), "a whole number"),
    "metric": ((str,), 'a text such as "accuracy"'),
    "split": ((str,), '"test", "validation" or "train"'),
    "max_steps": ((int,), "a whole number"),
    "budget": ((str, int, float), 'a text such as "60s"'),
    "baseline": ((str,), "the name of an arm"),
    "halving": ((bool, int), "true, or a number of finalists"),
    "watch": ((bool, list), "true, or a list of arms"),
    "confidence": ((float,), "a share such as 0.95"),
    "store": ((str,), "a folder"),
}
_OTHERS = ("recipe", "data", "arms", "grid")
_IMPORTED = "@"  # "@torch.nn.Sigmoid" is that class; "@None" is None


def read_study(target: str, data: str | None) -> dict[str, Any]:
    """The arguments of `compare` that a file holds.

    Args:
        target: A .toml file, or Python code as `load_recipe` takes it, with `arms`.
        data: Named data that all arms train on instead, or None.

    Raises:
        UsageError: If there is no such file or a key in it makes no sense; it quotes the key.
        RecipeError: If the code cannot be run or holds no arms.
    """
    if Path(target).suffix.lower() == ".toml":
        return _from_toml(Path(target), data)
    return _from_code(target, data)


def _from_toml(path: Path, data: str | None) -> dict[str, Any]:
    found = _parsed(path)
    for key, value in found.items():
        if key not in _SETTINGS and key not in _OTHERS:
            known = ", ".join((*_OTHERS, *_SETTINGS))
            raise UsageError(f"{path}: there is no setting {key!r}", hint=f"known: {known}")
        kinds, words = _SETTINGS.get(key, ((object,), ""))
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise UsageError(f"{path}: {key} is {value!r}", hint=words)
    asked = {key: value for key, value in found.items() if key in _SETTINGS}
    if "store" in asked:
        asked["store"] = str(path.parent / asked["store"])
    return {**asked, **_arms(path, found, data or found.get("data"))}


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {str(path)!r}", hint="give a study.toml") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="it must be TOML") from error


def _arms(path: Path, found: Mapping[str, Any], data: str | None) -> dict[str, Any]:
    """The recipe with its grid, or the arms."""
    from torchclinic.study import grid, variants

    recipe = _base(path, found, data)
    if "grid" in found:
        if "arms" in found:
            raise UsageError(f"{path}: both grid and arms are given", hint="one study has one")
        axes = {key: _value(path, key, value) for key, value in _flat(found["grid"]).items()}
        return {"arms": _in(path, lambda: grid(recipe, axes))}
    changes = {name: _changes(path, name, arm) for name, arm in _listed(path, found).items()}
    return {"arms": _in(path, lambda: variants(recipe, changes))}


def _base(path: Path, found: Mapping[str, Any], data: str | None) -> Recipe:
    target = found.get("recipe")
    if not isinstance(target, str):
        raise UsageError(
            f"{path}: recipe is {target!r}", hint='the base: recipe = "my_training.py:recipe"'
        )
    return load(_beside(path, target), data)


def _beside(path: Path, target: str) -> str:
    """A file named in study.toml lies beside it."""
    place, colon, name = target.partition(":")
    return f"{path.parent / place}{colon}{name}" if place.endswith(".py") else target


def _listed(path: Path, found: Mapping[str, Any]) -> dict[str, Any]:
    """Name -> arm, from `[arms.name]` or from `[[arms]]` with `name = ...`."""
    arms = found.get("arms")
    if isinstance(arms, list) and all(isinstance(arm, dict) and "name" in arm for arm in arms):
        names = [str(arm["name"]) for arm in arms]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise UsageError(f"{path}: two arms are called {twice[0]!r}", hint="rename one")
        return {str(arm.pop("name")): arm for arm in arms}
    if not isinstance(arms, dict) or not arms:
        raise UsageError(
            f"{path}: arms is {arms!r}",
            hint='[arms.plain] and [arms.fast] with "optimizer.lr" = 0.5, or a [grid]',
        )
    return arms


def _changes(path: Path, name: str, arm: Any) -> dict[str, Any]:
    if not isinstance(arm, dict):
        raise UsageError(
            f"{path}: arms.{name} is {arm!r}", hint=f'[arms.{name}] and "optimizer.lr" = 0.5'
        )
    flat = _flat(arm)
    return {key: _value(path, f"arms.{name}.{key}", value) for key, value in flat.items()}


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables as dotted names: `optimizer.lr = 0.1` is {"optimizer": {"lr": 0.1}} in TOML."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{key}.")
        else:
            flat[before + key] = value
    return flat


def _value(path: Path, key: str, value: Any) -> Any:
    """A value; a text that begins with @ names something to import."""
    if isinstance(value, list):
        return [_value(path, key, item) for item in value]
    if not isinstance(value, str) or not value.startswith(_IMPORTED):
        return value
    name = value.removeprefix(_IMPORTED)
    if name == "None":
        return None
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"{path}: {key} is {value!r}, which cannot be imported: {error}",
            hint='"@torch.nn.Sigmoid" is that class, "@None" is None',
        ) from error


def _in(path: Path, make: Any) -> Any:
    """What `make` gives; its errors name the file."""
    try:
        return make()
    except UsageError as error:
        raise type(error)(f"{path}: {error.message}", hint=error.hint) from error


def _from_code(target: str, data: str | None) -> dict[str, Any]:
    from torchclinic.clinic.loading import import_place
    from torchclinic.data import load_named
    from torchclinic.study import Arm

    place, _, name = target.partition(":")
    module = import_place(place)
    value = getattr(module, name or "arms", None)
    if value is None:
        raise RecipeError(
            f"{place} has no {name or 'arms'!r}",
            hint='define `arms = {"plain": recipe, "dropout": recipe.replace(...)}` in it',
        )
    arms = value() if callable(value) else value
    if not isinstance(arms, Mapping):
        raise RecipeError(
            f"{place}:{name or 'arms'} is {type(arms).__name__}",
            hint="a dict of names and Recipes, or a function that returns one",
        )
    if data is not None:
        splits = load_named(data)
        arms = {
            arm: Arm(found.name, found.recipe.replace(data=splits), found.changes)
            if isinstance(found, Arm)
            else found.replace(data=splits)
            for arm, found in arms.items()
        }
    return {"arms": arms}
