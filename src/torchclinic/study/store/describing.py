"""Any value of a recipe as a text that is the same in every process."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import types
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from torchclinic.study.store.code import code_text, is_library, used_globals
from torchclinic.training.checkpoint.fingerprint import weights_checksum
from torchclinic.training.checkpoint.pack import raw_bytes

_DIGEST_BYTES = 6
_LONGEST = 60  # characters shown of a value; the rest is in its digest
_DEEPEST = 12
_PLAIN = (bool, int, float, complex, str, bytes, types.NoneType, types.EllipsisType)
_MEMBERS = (types.FunctionType, *_PLAIN)
_ABOUT_THE_FILE = ("__doc__", "__module__", "__firstlineno__")
_BY_NAME = (torch.dtype, torch.device, torch.Size, torch.layout, np.dtype)


class Describer:
    """Describes values; large arrays are read once, however many arms share them."""

    def __init__(self) -> None:
        self._arrays: dict[int, tuple[Any, str]] = {}
        self._open: list[int] = []

    def brief(self, value: Any) -> str:
        """The start of the description and a digest of all of it; short ones as they are.

        >>> Describer().brief(0.5)
        '0.5'
        """
        text = self.describe(value)
        if len(text) <= _LONGEST:
            return text
        digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
        return f"{text[:_LONGEST]}... {digest}"

    def describe(self, value: Any) -> str:
        """The description of a value.

        >>> from functools import partial
        >>> Describer().describe(partial(torch.optim.SGD, lr=0.1))
        'partial(torch.optim.sgd.SGD, lr=0.1)'
        """
        if isinstance(value, _PLAIN) and not isinstance(value, Enum):
            return repr(value)
        if id(value) in self._open or len(self._open) >= _DEEPEST:
            return f"<{type(value).__qualname__} again>"
        self._open.append(id(value))
        try:
            return self._known(value)
        finally:
            self._open.pop()

    def _known(self, value: Any) -> str:
        if isinstance(value, Enum):
            return f"{type(value).__qualname__}.{value.name}"
        if isinstance(value, _BY_NAME):
            return str(value)
        if isinstance(value, Tensor | np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return repr(value.item())
        if isinstance(value, Mapping | AbstractSet | Sequence):
            return self._container(value)
        return self._object(value)

    def _container(self, value: Any) -> str:
        if isinstance(value, Mapping):
            return f"{{{self._pairs(value.items())}}}"
        if isinstance(value, AbstractSet):
            return f"{{{', '.join(sorted(self.describe(item) for item in value))}}}"
        return f"[{', '.join(self.describe(item) for item in value)}]"

    def _object(self, value: Any) -> str:
        if isinstance(value, functools.partial):
            return f"partial({self._arguments(value.func, value.args, value.keywords)})"
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, types.MethodType):
            return f"{self.describe(value.__func__)} of {self.describe(value.__self__)}"
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, types.BuiltinFunctionType | types.ModuleType):
            return _name(value)
        if isinstance(value, nn.Module):
            return f"{self._class(type(value))} {module_text(value)} {weights_checksum(value):08x}"
        return self._instance(value)

    def _array(self, value: Tensor | np.ndarray) -> str:
        kept = self._arrays.get(id(value))
        if kept is None:
            kept = (value, _array_text(value))  # the array itself, so that its id stays its own
            self._arrays[id(value)] = kept
        return kept[1]

    def _function(self, value: types.FunctionType) -> str:
        name = _name(value)
        if is_library(value):
            return name
        cells = [_content(cell) for cell in value.__closure__ or ()]
        parts = [
            code_text(value.__code__),
            self.describe(value.__defaults__),
            self.describe(value.__kwdefaults__),
            *(self.describe(content) for content in cells),
            self._pairs(used_globals(value).items()),
        ]
        return f"{name} {_digest(parts)}"

    def _class(self, value: type) -> str:
        name = _name(value)
        if is_library(value):
            return name
        parts = [self.describe(base) for base in value.__bases__]
        for key, member in sorted(vars(value).items()):
            inner = getattr(member, "__func__", getattr(member, "fget", member))
            if isinstance(inner, _MEMBERS) and key not in _ABOUT_THE_FILE:
                parts.append(f"{key} {self.describe(inner)}")
        return f"{name} {_digest(parts)}"

    def _instance(self, value: Any) -> str:
        """An object of another class: its class, its length, its attributes."""
        name = self._class(type(value))
        if dataclasses.is_dataclass(value):
            names = [f.name for f in dataclasses.fields(value)]
            return f"{name}({self._pairs((key, getattr(value, key, None)) for key in names)})"
        length = _length(value)
        attributes = sorted(getattr(value, "__dict__", {}).items())
        return f"{name}({length}; {self._pairs(attributes)})"

    def _arguments(self, function: Any, args: Iterable[Any], keywords: Mapping[str, Any]) -> str:
        words = [self.describe(function), *(self.describe(item) for item in args)]
        words += [f"{key}={self.describe(item)}" for key, item in sorted(keywords.items())]
        return ", ".join(words)

    def _pairs(self, pairs: Iterable[tuple[Any, Any]]) -> str:
        return ", ".join(f"{self.describe(key)}: {self.describe(item)}" for key, item in pairs)


def module_text(module: nn.Module) -> str:
    """Structure of a module: all modules in it, with the plain attributes that are their options.

    >>> module_text(nn.CrossEntropyLoss(label_smoothing=0.1))
    "CrossEntropyLoss('', ignore_index=-100, label_smoothing=0.1, reduction='mean')"
    """
    lines: list[str] = []
    for name, part in module.named_modules():
        options = {k: v for k, v in vars(part).items() if _is_option(k, v)}
        words = [repr(name), *(f"{key}={value!r}" for key, value in sorted(options.items()))]
        lines.append(f"{type(part).__name__}({', '.join(words)})")
    return " ".join(lines)


def _is_option(name: str, value: Any) -> bool:
    plain = isinstance(value, bool | int | float | str) or (
        isinstance(value, tuple) and all(isinstance(item, bool | int | float) for item in value)
    )
    return plain and name != "training" and not name.startswith("_")


def _array_text(value: Tensor | np.ndarray) -> str:
    tensor = torch.from_numpy(value) if _plain_array(value) else value
    if not isinstance(tensor, Tensor):
        return f"array {value.shape} {value.dtype} {_digest([repr(value.tolist())])}"
    whole = tensor.detach().cpu().resolve_conj().resolve_neg()
    if whole.layout is not torch.strided:
        whole = whole.to_dense()
    digest = hashlib.blake2b(raw_bytes(whole), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{tuple(whole.shape)} {str(whole.dtype).removeprefix('torch.')} {digest}"


def _plain_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "biufc" and value.dtype.isnative


def _length(value: Any) -> int | None:
    """Its length; None where it has none or does not know it, as a loader of a stream."""
    try:
        return len(value)
    except (TypeError, NotImplementedError):
        return None


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _name(value: Any) -> str:
    """The qualified name; of what is no library only its own, as a script's module may vary."""
    own = getattr(value, "__qualname__", getattr(value, "__name__", type(value).__name__))
    own = own.replace("<locals>.", "")
    module = getattr(value, "__module__", None)
    return f"{module}.{own}" if module and is_library(value) else own


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=_DIGEST_BYTES).hexdigest()
