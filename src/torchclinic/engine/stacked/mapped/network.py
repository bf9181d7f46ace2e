"""A model of any kind, for all members at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from torchclinic.core import Recipe
from torchclinic.engine.stacked import native
from torchclinic.engine.stacked.mapped.dropout import Dropouts, intercepting
from torchclinic.engine.stacked.mapped.losses import mapped_loss
from torchclinic.engine.stacked.mass import Mass
from torchclinic.engine.stacked.mlp.dropout import Draws


class MappedNetwork:
    """Losses and gradients of all members by `vmap` over one of their models.

    Args:
        recipes: The members'.
        models: Their models, of equal structure; the first one's code is what runs.
        mass: Their tensors.
        draws: Their random streams.
    """

    moves_itself = False

    def __init__(
        self, recipes: Sequence[Recipe], models: Sequence[nn.Module], mass: Mass, draws: Draws
    ) -> None:
        self._mass = mass
        self._model = models[0]
        self._dropouts = Dropouts(models, draws)
        self._loss, self._smoothing = mapped_loss([r.loss for r in recipes], mass.parameters)
        self._leaves = {
            name: value.detach().requires_grad_() for name, value in mass.stacked().items()
        }
        self._native = native.available(mass.parameters)
        self._held = {**mass.fixed, **mass.buffers}
        self._mapped: Callable[..., Tensor] = vmap(self._alone, randomness="error")

    def step(self, x: Tensor, y: Tensor, rate: Tensor | None = None) -> Tensor:
        """Store each member's gradient, and return the losses."""
        assert rate is None
        masks = self._dropouts.draw(x)
        with torch.enable_grad():
            losses = self._mapped(self._leaves, self._held, x, y, self._smoothing, masks)
            gradients = torch.autograd.grad(losses.sum(), list(self._leaves.values()))
        stored = self._mass.stacked_gradients()
        for name, gradient in zip(self._leaves, gradients, strict=True):
            stored[name].copy_(gradient)
        return losses.detach()

    def _alone(
        self,
        parameters: Mapping[str, Tensor],
        held: Mapping[str, Tensor],
        x: Tensor,
        y: Tensor,
        smoothing: Tensor,
        masks: Sequence[Tensor],
    ) -> Any:
        """One member's loss."""
        with intercepting(masks, linear=self._native):
            outputs = functional_call(self._model, {**parameters, **held}, (x,))
        return self._loss(outputs, y, smoothing)
