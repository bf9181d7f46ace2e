"""The code of functions, without line numbers and file names."""

from __future__ import annotations

import sys
import sysconfig
import types
from functools import cache
from pathlib import Path
from typing import Any

_OURS = "torchclinic"
_SEEN_GLOBALS = (bool, int, float, complex, str, bytes, types.NoneType)
_FOLLOWED_GLOBALS = (types.FunctionType, type)
_HAS_DOCSTRING = 0x4000000  # a flag since Python 3.13


def code_text(code: types.CodeType) -> str:
    """What a code object does: instructions, constants and names, with those of inner functions.

    >>> def twice(x):
    ...     return 2 * x
    >>> code_text(twice.__code__) == code_text((lambda x: 2 * x).__code__)
    True
    """
    inner = [
        code_text(c) if isinstance(c, types.CodeType) else _constant(c) for c in _constants(code)
    ]
    return " ".join(
        [code.co_code.hex(), *inner, *code.co_names, *code.co_freevars, *code.co_cellvars]
    )


def is_library(value: Any) -> bool:
    """Whether a function or class belongs to an installed package, whose code is not looked into.

    >>> is_library(Path), is_library(sys.modules)
    (True, False)
    """
    module = getattr(value, "__module__", None)
    return module is not None and _in_library(module)


def used_globals(function: types.FunctionType) -> dict[str, Any]:
    """Global functions, classes, numbers and strings that a function names, by name.

    Those of the user's own modules are found, too: `helpers.smooth` as well as `smooth`.
    """
    names = sorted(_names(function.__code__))
    found: dict[str, Any] = {}
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, types.ModuleType) and not _in_library(value.__name__):
            inner = {f"{name}.{attribute}": vars(value).get(attribute) for attribute in names}
            found |= {path: item for path, item in inner.items() if _is_seen(item)}
        elif _is_seen(value):
            found[name] = value
    return found


def _is_seen(value: Any) -> bool:
    return value is not None and isinstance(value, _SEEN_GLOBALS + _FOLLOWED_GLOBALS)


@cache
def _in_library(module: str) -> bool:
    if module.partition(".")[0] == _OURS or module in sys.builtin_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return module.partition(".")[0] in sys.stdlib_module_names - {"__main__"}
    path = Path(file).resolve()
    return any(path.is_relative_to(place) for place in _library_folders())


@cache
def _library_folders() -> tuple[Path, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple(Path(sysconfig.get_path(name)).resolve() for name in names)


def _names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names


def _constants(code: types.CodeType) -> tuple[Any, ...]:
    """All but the docstring: a function's first constant, None where it has none (until 3.12)."""
    constants = code.co_consts
    first = constants[0] if constants else 0
    if sys.version_info >= (3, 13):
        documented = bool(code.co_flags & _HAS_DOCSTRING)
    else:
        documented = first is None or (isinstance(first, str) and not code.co_name.startswith("<"))
    return constants[1:] if documented else constants


def _constant(value: Any) -> str:
    return str(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)
