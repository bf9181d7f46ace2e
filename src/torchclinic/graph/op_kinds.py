"""What an operation of torch does to the flow of values: its role."""

from __future__ import annotations

from enum import Enum
from typing import Any

from torchclinic.functional import activation_name


class Role(str, Enum):
    """The role of an operation."""

    INPUT = "input"
    LAYER = "layer"  # a weighted layer, module or bare parameter
    ACTIVATION = "activation"
    NORM = "norm"
    SHAPE = "shape"  # moves, picks or casts values
    DROPOUT = "dropout"
    POOL = "pool"  # largest of neighbours, not affine
    AFFINE = "affine"  # a constant shift, scale or matrix, or an average
    ADD = "add"  # sum or difference of values that both come from the data
    PRODUCT = "product"  # of values that both come from the data: attention, gates
    OTHER = "other"  # anything else; counts as non-linear


AFFINE_ROLES = frozenset({Role.SHAPE, Role.DROPOUT, Role.AFFINE})
LOOKED_THROUGH = frozenset({Role.SHAPE, Role.DROPOUT, Role.AFFINE, Role.POOL, Role.NORM})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHAPE = _words(
    """view reshape flatten unflatten transpose permute swapaxes swapdims movedim moveaxis T mT H
    mH t adjoint squeeze unsqueeze contiguous clone to float double half bfloat16 type type_as
    cpu cuda detach data expand expand_as repeat repeat_interleave tile narrow select getitem
    setitem chunk split split_with_sizes tensor_split unsafe_chunk unsafe_split unbind roll flip
    rot90 index_select gather take take_along_dim pad constant_pad_nd requires_grad view_as
    reshape_as pixel_shuffle pixel_unshuffle unfold fold alias as_strided channel_shuffle cat
    concat concatenate stack hstack vstack dstack column_stack row_stack masked_fill
    masked_select tril triu diagonal diag_embed ravel broadcast_to nan_to_num
    pack_padded_sequence pad_packed_sequence pad_sequence copy real resolve_conj resolve_neg
    pin_memory scatter index_copy put atleast_1d atleast_2d atleast_3d dsplit hsplit vsplit
    native_channel_shuffle"""
)
SELECTIONS = _words(
    """getitem select narrow chunk split split_with_sizes tensor_split unsafe_chunk unsafe_split
    unbind index_select gather take take_along_dim part masked_select"""
)
_DROPOUT = _words(
    """dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout feature_alpha_dropout
    native_dropout"""
)
_AVERAGE = _words(
    """avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    mean sum interpolate upsample upsample_bilinear upsample_nearest grid_sample cumsum nanmean
    diff"""
)
_POOL = _words(
    """max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
    fractional_max_pool2d fractional_max_pool3d amax amin lp_pool1d lp_pool2d
    max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices max_unpool2d"""
)
_NORM = _words(
    """batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm normalize
    native_layer_norm native_batch_norm native_group_norm"""
)
AFFINE_NORMS = frozenset({"batch_norm", "native_batch_norm"})  # affine in evaluation mode
ATTENTIONS = frozenset(["scaled_dot_product_attention", "multi_head_attention_forward", "bilinear"])
SUMS = frozenset(["add", "sub", "subtract", "rsub"])
SCALES = _words("""mul multiply div divide true_divide neg negative""")
MATRIX_PRODUCTS = _words(
    """linear matmul mm bmm mv dot vdot inner outer einsum tensordot conv1d conv2d conv3d
    conv_transpose1d conv_transpose2d conv_transpose3d addmm baddbmm addbmm addmv embedding
    embedding_bag chain_matmul multi_dot"""
)
CREATIONS = _words(
    """zeros_like ones_like empty_like full_like rand_like randn_like randint_like new_zeros
    new_ones new_full new_empty new_tensor bernoulli normal uniform exponential argmax argmin
    argsort zero fill"""
)
_REFLECTED = {
    "radd": "add",
    "iadd": "add",
    "isub": "sub",
    "rmul": "mul",
    "imul": "mul",
    "truediv": "div",
    "itruediv": "div",
    "idiv": "div",
    "rmatmul": "matmul",
    "imatmul": "matmul",
    "rdiv": "reciprocal",
    "rtruediv": "reciprocal",
}
_PLAIN = {
    Role.SHAPE: _SHAPE,
    Role.DROPOUT: _DROPOUT,
    Role.AFFINE: _AVERAGE,
    Role.POOL: _POOL,
    Role.NORM: _NORM,
    Role.ADD: SUMS,
    Role.PRODUCT: SCALES | MATRIX_PRODUCTS | ATTENTIONS,
}


def operation_name(function: Any) -> str:
    """Torch's plain name of an operation, without underscores and reflection.

    >>> import torch
    >>> operation_name(torch.Tensor.add_), operation_name(torch.Tensor.__rsub__)
    ('add', 'rsub')
    """
    name = getattr(function, "__name__", "")
    if name in {"__get__", "__set__"}:  # a property of the tensor, such as x.T
        name = getattr(getattr(function, "__self__", None), "__name__", name)
    plain = name.strip("_") if len(name) > 1 else name
    return _REFLECTED.get(plain, plain)


def plain_role(function: Any, name: str) -> Role:
    """The role as far as the operation alone decides it.

    >>> import torch
    >>> plain_role(torch.relu, "relu"), plain_role(torch.exp, "exp")
    (<Role.ACTIVATION: 'activation'>, <Role.OTHER: 'other'>)
    """
    if activation_name(function) is not None:
        return Role.ACTIVATION
    return next((role for role, names in _PLAIN.items() if name in names), Role.OTHER)
