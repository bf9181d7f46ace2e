"""Which way of drawing suits a model."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from torchclinic.core import UsageError
from torchclinic.nn.checks import one_of
from torchclinic.nn.uncertainty.drawing import (
    Draw,
    draw_batches,
    draw_nets,
    draw_repeated,
    draw_singly,
    rows_are_independent,
    works,
)
from torchclinic.nn.uncertainty.structure import Forward, Inputs, count_rows
from torchclinic.nn.uncertainty.switches import (
    dropout_like,
    only_dropout_training,
    rows_share_mask,
)

METHODS: dict[str, Draw] = {
    "nets": draw_nets,
    "batches": draw_batches,
    "repeat": draw_repeated,
    "loop": draw_singly,
}


OPAQUE = (nn.RNNBase, nn.MultiheadAttention)  # vmap gives all samples the mask inside their kernel


@dataclass(frozen=True)
class Method:
    """A way of drawing.

    Attributes:
        name: Among `METHODS`.
        draw: Does it.
    """

    name: str
    draw: Draw


def choose_method(model: nn.Module, forward: Forward, inputs: Inputs, wanted: str) -> Method:
    """The fastest way of drawing that gives right samples.

    Rows that depend on each other in evaluation mode rule out "nets" and "repeat", masks shared by
    the rows of a batch rule out "repeat", and operations that `torch.func.vmap` cannot batch, or
    that draw a mask where it does not see it, rule out "nets" and "batches".

    Args:
        model: The model, in evaluation mode.
        forward: Calls it.
        inputs: With rows first.
        wanted: "auto" or one of `METHODS`.

    Raises:
        UsageError: For another name, for "repeat" where the rows of a batch share a mask, and for
            "nets" and "batches" with a recurrent or attention layer that drops.
    """
    one_of(wanted, ("auto", *METHODS), "method")
    shared = [name for name, m in dropout_like(model).items() if rows_share_mask(m)]
    if wanted == "repeat" and shared:
        raise UsageError(
            f"method is 'repeat', but the rows of a batch share the mask of {shared[0]!r}",
            hint="use 'batches' or 'loop'",
        )
    opaque = [name for name, m in dropout_like(model).items() if isinstance(m, OPAQUE)]
    if wanted in ("nets", "batches") and opaque:
        raise UsageError(
            f"method is {wanted!r}, but all samples would share the mask inside {opaque[0]!r}",
            hint="use 'auto', 'repeat' or 'loop'",
        )
    if wanted != "auto":
        return Method(wanted, METHODS[wanted])
    name = _first_that_works(model, forward, inputs, may_repeat=not shared)
    return Method(name, METHODS[name])


def _first_that_works(
    model: nn.Module, forward: Forward, inputs: Inputs, *, may_repeat: bool
) -> str:
    alone = count_rows(inputs) == 1
    independent = alone or rows_are_independent(forward, inputs)
    if not any(isinstance(module, OPAQUE) for module in dropout_like(model).values()):
        with only_dropout_training(model):
            if independent and not alone and works(draw_nets, forward, inputs):
                return "nets"
            if works(draw_batches, forward, inputs):
                return "batches"
    return "repeat" if may_repeat and independent else "loop"
