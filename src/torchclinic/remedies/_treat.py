"""Surgery on a built model, for printed code and for those who have no Recipe."""

from __future__ import annotations

from typing import Any

from torch import nn

from torchclinic.core import UsageError
from torchclinic.remedies._registry import REMEDIES
from torchclinic.remedies._sample import Sample


def treat(model: nn.Module, remedy: str, inputs: Any) -> nn.Module:
    """Perform the surgery of a remedy on a model that is there.

    Args:
        model: The model; it may be changed in place.
        remedy: Name of a remedy that changes models, such as "relu-activations".
        inputs: A few rows of inputs to run it on: a tensor, a tuple or a dict.

    Returns:
        The changed model; use this one, and create the optimizer after it.

    Raises:
        UsageError: If the remedy is unknown or changes something else than the model.
        SurgeryError: If the model cannot be changed in that way.

    >>> import torch
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1))
    >>> treat(model, "relu-activations", torch.zeros(4, 2))[1]
    ReLU()
    """
    edit = getattr(REMEDIES[remedy], "edit", None)
    if edit is None:
        raise UsageError(
            f"{remedy!r} does not change the model by itself",
            hint="apply it to a Recipe: REMEDIES[name].plan(recipe, case).apply(recipe)",
        )
    return edit(model, Sample((inputs, None)))


def treat_code(remedy: str, by_hand: str = "") -> str:
    """Code that has a remedy performed on the model.

    Args:
        remedy: Name of the remedy.
        by_hand: What a person would change in the source instead, for a comment.
    """
    lines = [f"# {by_hand}, or" if len(by_hand) < 90 else f"# {by_hand[:86]} ..., or"]
    call = f'model = treat(model, "{remedy}", train_inputs[:64])'
    imports = "from torchclinic.remedies import treat"
    return "\n".join([imports, "", *(lines if by_hand else []), call])
