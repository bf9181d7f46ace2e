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


def treat_code(remedy: str, comment: str = "") -> str:
    """Code that has a remedy performed on the model."""
    lines = [f"# {comment}"] if comment else []
    call = f'model = treat(model, "{remedy}", train_inputs[:64])'
    return "\n".join(["from torchclinic.remedies import treat", "", *lines, call])
