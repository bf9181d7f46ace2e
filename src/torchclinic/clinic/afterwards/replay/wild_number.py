"""The first operation that makes NaN or infinity of finite numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name

from torchclinic.clinic.lines import present_line

Found = tuple[str, float | None, float | None, str]
_FILLS = ("masked_fill", "masked_fill_", "fill_", "where", "full_like", "new_full")


class WildNumber(TorchFunctionMode):
    """Inside it, the first result that is not finite though all that went in was.

    Attributes:
        found: Name of the operation, smallest and largest number given to it, the line that
            called it; None while all is finite.
        in_module: Whether it happened inside of a module's forward pass.

    >>> import torch
    >>> with WildNumber() as watch:
    ...     _ = torch.zeros(2).log()
    >>> watch.found[:3]
    ('log', 0.0, 0.0)
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: Found | None = None
        self.in_module = False
        self._depth = 0
        self._handles: list[Any] = []

    def __enter__(self) -> WildNumber:
        """Begin to look."""
        hooks = nn.modules.module
        self._handles = [
            hooks.register_module_forward_pre_hook(self._enter_module),
            hooks.register_module_forward_hook(self._leave_module),
        ]
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        """Stop looking."""
        for handle in self._handles:
            handle.remove()
        super().__exit__(*error)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Pass the call on and look at what comes back."""
        given = kwargs or {}
        name = getattr(func, "__name__", "")
        looks = self.found is None and name not in _FILLS and not name.startswith("__get")
        before = _range(args, given) if looks else None
        result = func(*args, **given)
        if before is not None and _wild(result):
            self.found = (_plain(func), *before, present_line())
            self.in_module = self._depth > 0
        return result

    def _enter_module(self, module: nn.Module, _args: Any) -> None:
        self._depth += not _is_loss(module)

    def _leave_module(self, module: nn.Module, _args: Any, _result: Any) -> None:
        self._depth -= not _is_loss(module)


def _is_loss(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.loss._Loss)


def _plain(func: Any) -> str:
    name = getattr(func, "__name__", None) or (resolve_name(func) or "an operation")
    plain = name.rsplit(".", 1)[-1].strip("_").removesuffix("_")
    return {"truediv": "div", "rtruediv": "div", "rdiv": "div", "rpow": "pow"}.get(plain, plain)


def _tensors(values: Any) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _tensors(value)
    elif isinstance(values, dict):
        yield from _tensors(tuple(values.values()))


def _range(args: Any, kwargs: Any) -> tuple[float | None, float | None] | None:
    """Smallest and largest number that goes in; None where something in it is not finite."""
    scalars = [*args, *kwargs.values()]
    if any(isinstance(x, float) and not math.isfinite(x) for x in scalars):
        return None
    tensors = [t.detach() for t in _tensors((args, kwargs)) if t.is_floating_point() and t.numel()]
    if not tensors or not all(bool(t.isfinite().all()) for t in tensors):
        return None
    main = tensors[0] if len(tensors) == 1 else tensors[-1]
    main = tensors[0] if main.dim() == 0 and tensors[0].dim() else main
    return float(main.min()), float(main.max())


def _wild(result: Any) -> bool:
    found = (t.detach() for t in _tensors(result) if t.is_floating_point() and t.numel())
    return any(not bool(t.isfinite().all()) for t in found)
