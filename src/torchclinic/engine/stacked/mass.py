"""The tensors of all members of a stack, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from torchclinic.engine.stacked.layout import Layout


class Mass:
    """Parameters, gradients, and whatever else the members' models hold, stacked.

    The models' own tensors become views of it, so that a model may be evaluated at any time.

    Args:
        models: Of equal structure.
        layout: Where their trained parameters go.

    Attributes:
        parameters: A row for each member.
        gradients: Of the same shape.
        fixed: Untrained parameters and buffers by name, each (members, ...).
    """

    def __init__(self, models: Sequence[nn.Module], layout: Layout) -> None:
        self.layout = layout
        named = [dict(model.named_parameters()) for model in models]
        sample = next(p for p in named[0].values() if p.requires_grad)
        shape = (len(models), layout.size)
        self.parameters = torch.zeros(shape, dtype=sample.dtype, device=sample.device)
        self.gradients = torch.zeros_like(self.parameters)
        for slot in layout.slots:
            values = torch.stack([found[slot.name].detach() for found in named])
            slot.of(self.parameters).copy_(values)
        held = [dict(model.named_buffers()) for model in models]
        others = [n for n, p in named[0].items() if not p.requires_grad]
        self.fixed = {n: torch.stack([found[n].detach() for found in named]) for n in others}
        self.buffers = {n: torch.stack([found[n] for found in held]) for n in held[0]}
        self._attach(models)

    def __len__(self) -> int:
        return len(self.parameters)

    def stacked(self) -> dict[str, Tensor]:
        """Every trained parameter by name, each (members, ...): views."""
        return {slot.name: slot.of(self.parameters) for slot in self.layout.slots}

    def stacked_gradients(self) -> dict[str, Tensor]:
        """Their gradients: views."""
        return {slot.name: slot.of(self.gradients) for slot in self.layout.slots}

    def keep(self, rows: Tensor, models: Sequence[nn.Module]) -> None:
        """Go on with these members only, whose models are given."""
        self.parameters = self.parameters[rows]
        self.gradients = torch.zeros_like(self.parameters)
        self.fixed = {name: value[rows] for name, value in self.fixed.items()}
        self.buffers = {name: value[rows] for name, value in self.buffers.items()}
        self._attach(models)

    def _attach(self, models: Sequence[nn.Module]) -> None:
        stacked = {**self.stacked(), **self.fixed}
        for number, model in enumerate(models):
            for name, parameter in model.named_parameters():
                parameter.data = stacked[name][number]
            for name, buffer in model.named_buffers():
                buffer.data = self.buffers[name][number]
