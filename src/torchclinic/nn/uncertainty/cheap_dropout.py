"""Torch's dropout with masks that are cheaper to draw on the CPU."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name that everybody knows it by
from torch.overrides import TorchFunctionMode

from torchclinic.nn.dropout import inverted_mask


class CheapDropout(TorchFunctionMode):
    """Inside, `F.dropout` (and so `nn.Dropout`) on the CPU takes its masks from `inverted_mask`.

    The distribution is the same but for p, which is rounded to a multiple of 1/65536. Drawing masks
    is most of what a draw costs once the layers before the first dropout are shared.

    >>> import torch
    >>> with CheapDropout():
    ...     y = F.dropout(torch.ones(1000), 0.5)
    >>> sorted(set(y.tolist()))
    [0.0, 2.0]
    """

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        call = _dropout if func is F.dropout else func
        return call(*args, **(kwargs or {}))


def _dropout(
    input: Tensor,  # noqa: A002 - torch's name
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> Tensor:
    if not training or inplace or not 0.0 < p < 1.0 or input.device.type != "cpu":
        return F.dropout(input, p, training, inplace)
    return input * inverted_mask(input, p)
