"""Shipping recipes: each is packed once, and data that several arms share is packed once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from torchclinic.core import Recipe, RecipeError, Splits

Buffer = bytes | NDArray[Any]
Pack = Callable[[Any], bytes]
_PARTS = ("train", "validation", "test")
_HINTS = {
    "model": "give a factory that builds the model instead of a module that holds it",
    "data": "open files inside of the Dataset's __getitem__, where each worker opens its own",
}
_HINT = "what it holds on to (a lock, a file, a socket, a generator) lives in this process only"


@dataclass(frozen=True)
class Shipment:
    """Recipes as bytes.

    Attributes:
        recipes: Arm -> its recipe without data.
        data: Key -> train, validation and test part.
        keys: Arm -> key of its data.
    """

    recipes: Mapping[str, bytes]
    data: Mapping[int, bytes]
    keys: Mapping[str, int]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(map(len, (*self.recipes.values(), *self.data.values())))


def packed(arms: Mapping[str, Recipe], pack: Pack) -> Shipment:
    """The recipes as bytes.

    Args:
        arms: Name -> recipe.
        pack: Value -> bytes, such as Ray's cloudpickle.

    Raises:
        RecipeError: If a recipe holds what cannot leave this process; it names the field.
    """
    recipes: dict[str, bytes] = {}
    data: dict[int, bytes] = {}
    keys: dict[str, int] = {}
    places: dict[tuple[int, ...], int] = {}  # of parts that `arms` keep alive
    for arm, recipe in arms.items():
        recipes[arm] = _recipe(arm, recipe, pack)
        parts = _parts(recipe)
        place = tuple(map(id, parts))
        if place not in places:
            places[place] = len(places)
            data[places[place]] = _data(arm, parts, pack)
        keys[arm] = places[place]
    return Shipment(recipes, data, keys)


def unpacked(recipe: Buffer, data: Buffer, unpack: Callable[[Any], Any]) -> Recipe:
    """The recipe with its data; each call makes values of its own.

    Args:
        recipe: As packed.
        data: As packed.
        unpack: Bytes or what can be read as bytes -> value.
    """
    empty: Recipe = unpack(recipe)
    train, validation, test = unpack(data)
    filled = dataclasses.replace(empty.splits, train=train, validation=validation, test=test)
    return dataclasses.replace(empty, data=filled)


def _parts(recipe: Recipe) -> tuple[Any, ...]:
    splits = recipe.splits
    return tuple(getattr(splits, part) for part in _PARTS)


def _recipe(arm: str, recipe: Recipe, pack: Pack) -> bytes:
    splits = recipe.splits
    rest = Splits(train=None, name=splits.name, meta=splits.meta)
    empty = dataclasses.replace(recipe, data=rest)
    fields = {f.name: getattr(empty, f.name) for f in dataclasses.fields(empty)}
    fields["data.meta"] = fields.pop("data")
    return _pack(arm, "the recipe", empty, fields, pack)


def _data(arm: str, parts: tuple[Any, ...], pack: Pack) -> bytes:
    fields = {f"data.{name}": part for name, part in zip(_PARTS, parts, strict=True)}
    return _pack(arm, "data", parts, fields, pack)


def _pack(arm: str, what: str, value: Any, fields: Mapping[str, Any], pack: Pack) -> bytes:
    """The value as bytes; if it refuses, the fields are tried alone to find the one to blame."""
    problem = _problem(value, pack)
    if not isinstance(problem, Exception):
        return problem
    for name, field in fields.items():
        alone = _problem(field, pack)
        if isinstance(alone, Exception):
            what, problem = name, alone
            break
    told = f"{type(problem).__name__}: {problem}".partition("\n")[0]
    raise RecipeError(
        f"{what} of the arm {arm!r} cannot be shipped to a worker: {told}",
        hint=_HINTS.get(what.partition(".")[0], _HINT),
    ) from problem


def _problem(value: Any, pack: Pack) -> bytes | Exception:
    """The value as bytes, or why not."""
    try:
        return pack(value)
    except Exception as error:  # noqa: BLE001 - a user's type may refuse in any way
        return error
