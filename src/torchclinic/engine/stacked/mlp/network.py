"""A perceptron of all members, forward and backward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.engine.stacked.mass import Mass
from torchclinic.engine.stacked.mlp.affine import Affine
from torchclinic.engine.stacked.mlp.arithmetic import StackedAdd, StackedArithmetic
from torchclinic.engine.stacked.mlp.dropout import Draws, StackedDropout
from torchclinic.engine.stacked.mlp.elementwise import StackedActivation
from torchclinic.engine.stacked.mlp.flatten import StackedFlatten
from torchclinic.engine.stacked.mlp.layer import Layer
from torchclinic.engine.stacked.mlp.linear import StackedLinear
from torchclinic.engine.stacked.mlp.links import Link
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
        self._links = list(links)
        self._layers = [_layer(link, models, tensors, draws) for link in links]
        self._wanted = _needed(links, tensors)
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
        values = [x]
        for link, layer in zip(self._links, self._layers, strict=True):
            taken = [values[place] for place in link.inputs]
            values.append(layer.forward(taken[0] if len(taken) == 1 else taken[0] + taken[1]))
        losses, gradient = self._loss(values[-1], y)
        self._backward(gradient, rate)
        return losses

    def _backward(self, gradient: Tensor, rate: Tensor | None) -> None:
        """Hand each layer the gradient of its outputs, last layer first."""
        gradients: dict[int, Tensor] = {len(self._links): gradient}
        for place in range(len(self._links), 0, -1):
            d = gradients.pop(place, None)
            if d is None or not self._wanted[place]:
                continue
            link = self._links[place - 1]
            wanted = any(self._wanted[before] for before in link.inputs)
            found = self._layers[place - 1].backward(d, rate, wanted=wanted)
            for before in link.inputs if found is not None else ():
                assert found is not None
                known = gradients.get(before)
                gradients[before] = found if known is None else known + found


def _needed(links: Sequence[Link], tensors: _Tensors) -> list[bool]:
    """For the inputs and each layer, whether its outputs depend on trained parameters."""
    needed = [False]
    for link in links:
        trained = tensors.trains(link.name) or any(needed[before] for before in link.inputs)
        needed.append(trained)
    return needed


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
        return self._buffers.get(f"{name}.{leaf}" if name else leaf)


def _pair(tensors: Mapping[str, Tensor], name: str) -> tuple[Tensor | None, Tensor | None]:
    return tensors.get(f"{name}.weight"), tensors.get(f"{name}.bias")


def _layer(link: Link, models: Sequence[nn.Module], tensors: _Tensors, draws: Draws) -> Layer:
    if link.kind == "flatten":
        return StackedFlatten()
    if link.kind == "add":
        return StackedAdd()
    if link.kind == "arithmetic":
        held = tensors.buffer(*link.name.rpartition(".")[::2]) if link.name else None
        return StackedArithmetic(link.operation, link.number if held is None else held)
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
