"""Linear layers inside of a mapped model, as products of whole stacks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from torchclinic.engine.stacked import native


class _Stacked(Function):
    """`x W' + b` for all members, by the compiled kernels."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The outputs, of shape (members, rows, out)."""
        x = x.contiguous()
        ctx.save_for_backward(x, weight)
        ctx.biased = bias is not None
        out = x.new_empty((*x.shape[:2], weight.shape[1]))
        return native.dot(x, weight, bias, out)

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, d: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """The gradients that are needed."""
        x, weight = ctx.saved_tensors
        d = d.contiguous()
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        of_x = of_weight = None
        if needs_x:
            of_x = native.spread(d, weight, torch.empty_like(x), transposed=False, add=False)
        if needs_weight:
            out = weight.new_empty(weight.shape)
            of_weight = native.spread(d, x, out, transposed=True, add=False)
        return of_x, of_weight, d.sum(1) if needs_bias else None


class MappedLinear(Function):
    """`torch.nn.functional.linear` that, mapped over members, computes them with `_Stacked`."""

    generate_vmap_rule = False

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """One member by itself."""
        return torch.nn.functional.linear(x, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept: the mapped rule keeps what it needs."""

    @staticmethod
    def vmap(  # pyright: ignore[reportIncompatibleMethodOverride]
        info: Any,
        in_dims: tuple[int | None, int | None, int | None],
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
    ) -> tuple[Tensor, int]:
        """All members at once."""
        stacked = [
            _first(value, dim, info.batch_size)
            for value, dim in zip((x, weight, bias), in_dims, strict=True)
        ]
        inputs, weights, biases = stacked
        assert inputs is not None
        rows = inputs.flatten(1, -2) if inputs.dim() > 2 else inputs.unsqueeze(1)
        out = _Stacked.apply(rows, weights, biases)
        return out.unflatten(1, inputs.shape[1:-1]) if inputs.dim() > 2 else out.squeeze(1), 0


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:  # noqa: A002
    """As `torch.nn.functional.linear`, whose argument names it has."""
    if input.dtype != weight.dtype or weight.dim() != 2:
        return torch.nn.functional.linear(input, weight, bias)
    return MappedLinear.apply(input, weight, bias)  # pyright: ignore[reportReturnType]


def _first(value: Tensor | None, dim: int | None, members: int) -> Tensor | None:
    """With the members in front, and each member's matrix dense."""
    if value is None:
        return None
    if dim is None:
        return value.expand(members, *value.shape).contiguous()
    moved = value.movedim(dim, 0)
    return moved if _dense(moved) else moved.contiguous()


def _dense(value: Tensor) -> bool:
    return value[0].is_contiguous()
