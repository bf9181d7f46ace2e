"""The kernels on stacks of tensors."""

from __future__ import annotations

from torch import Tensor

from torchclinic.engine.stacked.native.loading import function


def dot(x: Tensor, weight: Tensor, bias: Tensor | None, out: Tensor) -> Tensor:
    """`out = x weight' + bias`.

    **Shape**: x (members, rows, in), weight (members, out, in), bias (members, out). All but the
    step from member to member is dense.
    """
    members, rows, features = x.shape
    outputs = weight.shape[1]
    kernel = function("dot", x.dtype)
    pointer, step = (None, 0) if bias is None else (bias.data_ptr(), bias.stride(0))
    factors = (x.data_ptr(), x.stride(0), weight.data_ptr(), weight.stride(0))
    result = (out.data_ptr(), out.stride(0))
    kernel(members, rows, outputs, features, *factors, pointer, step, *result)
    return out


def spread(a: Tensor, b: Tensor, out: Tensor, *, transposed: bool, add: bool) -> Tensor:
    """`out = a b`, or `a' b` if `transposed`; with `add` it is added to what `out` holds.

    **Shape**: a (members, m, k), or (members, k, m) if transposed; b (members, k, n); out
    (members, m, n).
    """
    members, inner, columns = b.shape
    rows = out.shape[1]
    strides = (a.stride(2), a.stride(1)) if transposed else (a.stride(1), a.stride(2))
    factors = (a.data_ptr(), a.stride(0), *strides, b.data_ptr(), b.stride(0))
    kernel = function("spread", a.dtype)
    kernel(members, rows, columns, inner, *factors, out.data_ptr(), out.stride(0), int(add))
    return out
