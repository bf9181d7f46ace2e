"""A model without its regularisation: dropout off, wherever it is written."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.overrides import TorchFunctionMode

_DROPOUTS = frozenset(
    {
        "dropout",
        "dropout1d",
        "dropout2d",
        "dropout3d",
        "alpha_dropout",
        "feature_alpha_dropout",
        "feature_dropout",
    }
)


def quieten(model: nn.Module) -> None:
    """Training mode, but with the dropout of modules off; batch norms work on the batch."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()
        elif isinstance(getattr(module, "dropout", None), float):  # recurrent layers, attention
            setattr(module, "dropout", 0.0)  # noqa: B010 - a module's attributes are untyped


class WithoutDropout(TorchFunctionMode):
    """Inside, `F.dropout` and its kin return what they are given.

    Attributes:
        needed: Whether any of them was on, so that a later pass needs this too.

    >>> import torch
    >>> with WithoutDropout() as quiet:
    ...     torch.nn.functional.dropout(torch.ones(3), 0.9).tolist(), quiet.needed
    ([1.0, 1.0, 1.0], True)
    """

    def __init__(self) -> None:
        super().__init__()
        self.needed = False

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        """Pass the call on, or leave dropout out."""
        given = kwargs or {}
        if getattr(func, "__name__", "") not in _DROPOUTS:
            return func(*args, **given)
        self.needed = self.needed or bool(args[2] if len(args) > 2 else given.get("training", True))
        return args[0] if args else given["input"]
