"""How large the tensors of a forward pass are, so that draws can be made in fitting chunks."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from torchclinic.core import ModelError
from torchclinic.graph import ForwardRecorder, Op, Role
from torchclinic.nn.dropout import DropoutLike
from torchclinic.nn.uncertainty.structure import Forward, Inputs, count_rows, on_rows
from torchclinic.nn.uncertainty.switches import dropout_like, rows_share_mask

LOOKED_AT = 2  # rows of the forward pass that is measured
CPU_WORKING_SET = 4 * 2**20  # bytes of the widest tensor: larger ones fall out of the cache
CUDA_WORKING_SET = 256 * 2**20
DRAWS_AT_ONCE = 256 * 2**20  # bytes of outputs that are summarised together


@dataclass(frozen=True)
class Extent:
    """Sizes in elements, and what was seen on the way.

    Attributes:
        widest: Elements of the largest tensor for one row, from the first dropout on.
        weights: Elements of the largest weight that gets a mask; 0 if none does.
        output: For the rows that were looked at.
        functional: Names of modules that call dropout as a function, which cannot be switched on.
    """

    widest: int
    weights: int
    output: Tensor
    functional: tuple[str, ...]

    def samples_at_once(self, rows: int, item: int, *, cuda: bool) -> int:
        """How many draws to make at once.

        Args:
            rows: Rows of the batch.
            item: Bytes of an element.
            cuda: Whether it runs on a GPU.
        """
        room = CUDA_WORKING_SET if cuda else CPU_WORKING_SET
        return max(1, room // (item * max(rows * self.widest, self.weights, 1)))

    def rows_at_once(self, samples: int, item: int) -> int:
        """How many rows to take at once."""
        outputs = self.output.numel() // len(self.output)
        return max(1, DRAWS_AT_ONCE // (item * max(samples * outputs, self.widest, 1)))


def measure(model: nn.Module, forward: Forward, inputs: Inputs) -> Extent:
    """Look at a forward pass of a few rows, in the mode in which the model is.

    Args:
        model: The model.
        forward: Calls it.
        inputs: With rows first.

    Raises:
        ModelError: If the output has not as many rows.
    """
    few = on_rows(lambda leaf: leaf[:LOOKED_AT].clone(), inputs)
    rows = count_rows(few)
    with torch.no_grad(), ForwardRecorder(model) as recorder:
        output = forward(few)
    if output.dim() == 0 or len(output) != rows:
        raise ModelError(
            f"for {rows} rows the model's output has shape {tuple(output.shape)}",
            hint="its first dimension must be the rows",
        )
    ops = recorder.result().ops
    dropouts = dropout_like(model)
    return Extent(
        widest=max((prod(op.shape) // rows for op in _random(ops, set(dropouts))), default=1),
        weights=max((_masked(module) for module in dropouts.values()), default=0),
        output=output,
        functional=tuple(dict.fromkeys(op.scope for op in ops if _is_function(model, op))),
    )


def _random(ops: tuple[Op, ...], dropouts: set[str]) -> tuple[Op, ...]:
    """Operations from the first that drops on; before it nothing differs between draws."""
    places = [op.index for op in ops if op.scope in dropouts]
    seen = {ops[index].scope for index in places}
    return ops[places[0] :] if places and seen == dropouts else ops


def _masked(module: nn.Module) -> int:
    if not rows_share_mask(module):
        return 0
    return max((p.numel() for p in module.parameters()), default=0)


def _is_function(model: nn.Module, op: Op) -> bool:
    if op.role is not Role.DROPOUT:
        return False
    module = model.get_submodule(op.scope)
    return not isinstance(module, nn.modules.dropout._DropoutNd | DropoutLike)
