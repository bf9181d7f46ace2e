"""Freezing and unfreezing by name."""

from __future__ import annotations

from torch import nn

from torchclinic.optim.groups.globs import matching


def freeze(model: nn.Module, *globs: str) -> tuple[str, ...]:
    """Take parameters out of the training (`requires_grad` off, gradient gone).

    The running statistics of batch norms go on moving in training mode; see
    `torchclinic.nn.freeze_batch_norm` for those.

    Args:
        model: Changed in place.
        globs: Over parameter names; the name of a module stands for all that is in it. All
            parameters without any.

    Returns:
        Names of the parameters that were trainable before.

    Raises:
        UsageError: For a glob that names no parameter.

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    >>> freeze(model, "0"), model[0].weight.requires_grad
    (('0.weight', '0.bias'), False)
    """
    return _switch(model, globs, on=False)


def unfreeze(model: nn.Module, *globs: str) -> tuple[str, ...]:
    """Put parameters back into the training.

    An optimizer that was given only trainable parameters does not know of them: give it all.

    Args:
        model: Changed in place.
        globs: As for `freeze`.

    Returns:
        Names of the parameters that were frozen before.

    Raises:
        UsageError: For a glob that names no parameter.

    >>> model = nn.Linear(2, 2).requires_grad_(False)
    >>> unfreeze(model, "bias")
    ('bias',)
    """
    return _switch(model, globs, on=True)


def _switch(model: nn.Module, globs: tuple[str, ...], *, on: bool) -> tuple[str, ...]:
    chosen = matching(model, globs or ("*",))
    changed = tuple(name for name, p in chosen.items() if p.requires_grad is not on)
    for name in changed:
        chosen[name].requires_grad_(on)
        if not on:
            chosen[name].grad = None
    return changed
