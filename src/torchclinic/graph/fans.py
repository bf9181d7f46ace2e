"""Fan-in and fan-out: how many inputs one unit sums, and how many outputs one input feeds."""

from __future__ import annotations

from math import prod
from typing import Any

from torch import Tensor, nn

from torchclinic.graph.layer_kinds import (
    CONVOLUTIONS,
    EMBEDDINGS,
    RECURRENT,
    TRANSPOSED,
    layer_kind,
)


def fans(module: nn.Module) -> tuple[int, int] | None:
    r"""(fan_in, fan_out) of a layer's weight; None for a layer without a weight that sums inputs.

    With kernel size $k$, groups $g$ and stride $s$:
    $n_{in} = c_{in} k / g$, $n_{out} = c_{out} k / g$ for a convolution (outputs that one input
    feeds, at stride 1); a transposed one sums $c_{in} k / (g s)$ inputs at each output. Recurrent
    layers count their input weight, one gate; attention its input projection.

    Source: Glorot and Bengio 2010, section 4.2; He et al. 2015, section 2.2, arXiv 1502.01852.

    >>> fans(nn.Conv2d(3, 16, 5, groups=1)), fans(nn.ConvTranspose2d(8, 4, 4, stride=2))
    ((75, 400), (32, 64))
    """
    kind = layer_kind(module)
    layer: Any = module
    if kind == "Linear":
        return layer.in_features, layer.out_features
    if kind in CONVOLUTIONS or kind in TRANSPOSED:
        return _convolution_fans(layer, kind in TRANSPOSED)
    if kind in RECURRENT:
        return layer.input_size, layer.hidden_size
    if kind in EMBEDDINGS:
        return 1, layer.embedding_dim
    if kind == "MultiheadAttention":
        return layer.embed_dim, layer.embed_dim
    if kind == "Bilinear":
        return layer.in1_features * layer.in2_features, layer.out_features
    return None


def parameter_fans(name: str, weight: Tensor, first: bool) -> tuple[int, int] | None:
    """(fan_in, fan_out) of a bare parameter in a matrix product.

    Args:
        name: The operation ("linear", "matmul", "conv2d").
        weight: The parameter.
        first: Whether the parameter is the left factor.

    >>> import torch
    >>> w = torch.zeros(3, 5)
    >>> parameter_fans("matmul", w, False), parameter_fans("linear", w, False)
    ((3, 5), (5, 3))
    """
    shape = tuple(weight.shape)
    if name.startswith("conv_transpose"):
        return shape[0] * prod(shape[2:]), shape[1] * prod(shape[2:])
    if name.startswith("conv"):
        return prod(shape[1:]), shape[0] * prod(shape[2:])
    if name.startswith("embedding"):
        return 1, shape[1]
    if first or name == "linear":
        return shape[-1], shape[-2]
    return shape[-2], shape[-1]


def einsum_fans(equation: str, place: int, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """(fan_in, fan_out) of a parameter in an einsum: what is summed over, and what is not.

    Args:
        equation: With an explicit result, such as "bi,io->bo"; None comes back without one.
        place: Of the parameter among the factors.
        shape: Of the parameter.

    >>> einsum_fans("bi,io->bo", 1, (3, 5))
    (3, 5)
    """
    left, arrow, result = equation.replace(" ", "").partition("->")
    labels = left.split(",")[place]
    if not arrow or len(labels) != len(shape):
        return None
    summed = prod(size for label, size in zip(labels, shape, strict=True) if label not in result)
    return summed, prod(shape) // max(1, summed)


def _convolution_fans(layer: Any, transposed: bool) -> tuple[int, int]:
    kernel = prod(layer.kernel_size)
    fan_in = layer.in_channels * kernel // layer.groups
    fan_out = layer.out_channels * kernel // layer.groups
    if transposed:
        fan_in = max(1, fan_in // prod(layer.stride))
    return fan_in, fan_out
