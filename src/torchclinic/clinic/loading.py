"""Find the Recipe that a command line names: a file, a file and a name, or a module and a name."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from torchclinic.core.errors import RecipeError, TorchclinicError
from torchclinic.core.recipe import Recipe


def load_recipe(target: str) -> Recipe:
    """The Recipe that `target` names.

    Args:
        target: `my_training.py`, `my_training.py:recipe` or `package.module:recipe`. Without a
            name, `recipe` is taken, else the only Recipe in the file. A function is called.

    Raises:
        RecipeError: If the file or module cannot be found or run, or holds no such Recipe.
    """
    place, _, name = target.partition(":")
    return _pick(import_place(place), name, place)


def import_place(place: str) -> ModuleType:
    """The module that `my_training.py` or `package.module` names.

    Raises:
        RecipeError: If it cannot be found or run.
    """
    return _import_file(Path(place)) if place.endswith(".py") else _import_module(place)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise RecipeError(f"there is no file {str(path)!r}", hint="give the path of your script")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.modules[path.stem] = module
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except TorchclinicError:
        raise
    except Exception as error:
        raise RecipeError(
            f"{path} cannot be run: {type(error).__name__}: {error}",
            hint="the file is imported; run `python` on it first",
        ) from error
    finally:
        sys.path.remove(folder)
    return module


def _import_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise RecipeError(
            f"the module {name!r} cannot be imported: {error}",
            hint="a file name must end with .py",
        ) from error


def _pick(module: ModuleType, name: str, place: str) -> Recipe:
    if name:
        if not hasattr(module, name):
            raise RecipeError(f"{place} has no {name!r}", hint=_known(module))
        return _as_recipe(getattr(module, name), f"{place}:{name}")
    if hasattr(module, "recipe"):
        return _as_recipe(module.recipe, f"{place}:recipe")
    found = _recipes(module)
    if len(found) == 1:
        return module.__dict__[found[0]]
    problem = f"{place} holds {len(found)} Recipes" if found else f"{place} holds no Recipe"
    raise RecipeError(problem, hint=_known(module))


def _as_recipe(value: object, where: str) -> Recipe:
    if isinstance(value, Recipe):
        return value
    if callable(value):
        made = value()
        if isinstance(made, Recipe):
            return made
        raise RecipeError(f"{where}() returns {type(made).__name__}, not a Recipe")
    raise RecipeError(f"{where} is {type(value).__name__}, neither a Recipe nor a function")


def _recipes(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if isinstance(value, Recipe)]


def _known(module: ModuleType) -> str:
    found = _recipes(module)
    if found:
        return f"choose one: {', '.join(f'{module.__name__}:{name}' for name in found)}"
    return "define `recipe = torchclinic.Recipe(...)` in it"
