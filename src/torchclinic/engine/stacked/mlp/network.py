"""A perceptron of all members, forward and backward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.engine.stacked.mass import Mass
from torchclinic.engine.stacked.mlp.affine import Affine
from torchclinic.engine.stacked.mlp.chain import Link
from torchclinic.engine.stacked.mlp.dropout import Draws, StackedDropout
from torchclinic.engine.stacked.mlp.elementwise import StackedActivation
from torchclinic.engine.stacked.mlp.flatten import StackedFlatten
from torchclinic.engine.stacked.mlp.layer import Layer
from torchclinic.engine.stacked.mlp.linear import StackedLinear
from torchclinic.engine.stacked.mlp.losses import stacked_loss
from torchclinic.engine.stacked.mlp.norm import StackedNorm
from torchclinic.engine.stacked.mlp.statistics import RunningStatistics


class MLPNetwork:
    """Losses and gradients of all members of a stack.

    Args:
        links: The model's layers.
        models: The members', of equal structure.
        mass: Their tensors.
        losses: The members' losses.
        draws: Their random streams.
    """

    moves_itself = True  # it can apply plain gradient descent while it goes backward

    def __init__(
        self,
        links: Sequence[Link],
        models: Sequence[nn.Module],
        mass: Mass,
        losses: Sequence[Any],
        draws: Draws,
    ) -> None:
        tensors = _Tensors(mass)
        self._layers = [_layer(link, models, tensors, draws) for link in links]
        trained = [tensors.trains(link.name) for link in links]
        self._wanted = [any(trained[:number]) for number in range(len(links))]
        self._loss = stacked_loss(losses, mass.parameters)

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor, rate: Tensor | None = None) -> Tensor:
        """Forward and backward.

        Args:
            x: Inputs, of shape (members, rows, ...).
            y: Targets, (members, rows, ...).
            rate: None to store gradients; else each member's negative learning rate, of shape
                (members, 1, 1), to make a step of plain gradient descent at once.

        Returns:
            Losses, of shape (members,).
        """
        for layer in self._layers:
            x = layer.forward(x)
        losses, gradient = self._loss(x, y)
        for layer, wanted in zip(reversed(self._layers), reversed(self._wanted), strict=True):
            before = layer.backward(gradient, rate, wanted=wanted)
            if before is None:
                break
            gradient = before
        return losses


class _Tensors:
    """The stacked tensors of a module, by its name."""

    def __init__(self, mass: Mass) -> None:
        self._parameters = {**mass.fixed, **mass.stacked()}
        self._gradients = mass.stacked_gradients()
        self._buffers = mass.buffers

    def trains(self, name: str) -> bool:
        return any(f"{name}.{leaf}" in self._gradients for leaf in ("weight", "bias"))

    def parameters(self, name: str) -> tuple[Tensor | None, Tensor | None]:
        return _pair(self._parameters, name)

    def gradients(self, name: str) -> tuple[Tensor | None, Tensor | None]:
        return _pair(self._gradients, name)

    def buffer(self, name: str, leaf: str) -> Tensor | None:
        return self._buffers.get(f"{name}.{leaf}")


def _pair(tensors: Mapping[str, Tensor], name: str) -> tuple[Tensor | None, Tensor | None]:
    return tensors.get(f"{name}.weight"), tensors.get(f"{name}.bias")


def _layer(link: Link, models: Sequence[nn.Module], tensors: _Tensors, draws: Draws) -> Layer:
    if link.kind == "flatten":
        return StackedFlatten()
    if link.activation is not None:
        return StackedActivation(link.activation)
    modules = [model.get_submodule(link.name) for model in models]
    if link.kind == "dropout":
        return StackedDropout(draws, [float(module.p) for module in modules])  # pyright: ignore[reportArgumentType]
    weight, bias = tensors.parameters(link.name)
    if link.kind == "linear":
        assert weight is not None
        gradients = tensors.gradients(link.name)
        assert gradients[0] is not None
        return StackedLinear(weight, bias, *gradients)  # pyright: ignore[reportArgumentType]
    affine = Affine(weight, bias, *tensors.gradients(link.name))
    if isinstance(modules[0], nn.LayerNorm):
        return StackedNorm("layer", modules[0].eps, affine)
    names = ("running_mean", "running_var", "num_batches_tracked")
    statistics = [tensors.buffer(link.name, name) for name in names]
    assert isinstance(modules[0], nn.BatchNorm1d)
    running = RunningStatistics(modules[0].momentum, *statistics)
    return StackedNorm("batch", modules[0].eps, affine, running)
