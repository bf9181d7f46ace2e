"""Tensors that the loss depends on and that the model does not know as its parameters."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from torchclinic.core.errors import TorchclinicError
from torchclinic.core.recipe import Recipe
from torchclinic.data.structure import tensors_of
from torchclinic.training import build_optimizer


def unregistered(
    recipe: Recipe, model: nn.Module, losses: tuple[Tensor | None, Tensor | None], batch: Any
) -> tuple[tuple[int, ...], ...]:
    """Shapes of the trainable tensors that nobody trains.

    Told from tensors that a step makes for its own gradients, such as inputs that it
    differentiates by, in that two passes depend on the very same ones. What the optimizer holds
    is trained, whoever owns it.

    Args:
        recipe: Has the optimizer.
        model: The model that made both losses.
        losses: Of two passes, with their graphs.
        batch: What they went over.
    """
    first, second = losses
    if first is None or second is None:
        return ()
    again = {id(leaf) for leaf in leaves(second)}
    found = [leaf for leaf in leaves(first) if id(leaf) in again]
    known = {id(tensor) for tensor in (*model.parameters(), *tensors_of(batch))}
    if not any(id(leaf) not in known for leaf in found):
        return ()
    known |= _held(recipe, model)
    return tuple(tuple(leaf.shape) for leaf in found if id(leaf) not in known)


def made_anew(
    recipe: Recipe, model: nn.Module, losses: tuple[Tensor | None, Tensor | None]
) -> tuple[tuple[int, ...], ...]:
    """Shapes of the parameters that the first pass depends on and the second has never seen.

    Args:
        recipe: Whose own step may make parameters for a purpose; nothing is said of such.
        model: Whose own parameters need not be in every pass.
        losses: Of two passes of one model, with their graphs.
    """
    first, second = losses
    if first is None or second is None or recipe.step is not None:
        return ()
    known = {id(tensor) for tensor in (*leaves(second), *model.parameters())}
    found = [leaf for leaf in leaves(first) if isinstance(leaf, nn.Parameter)]
    fresh = [leaf for leaf in found if id(leaf) not in known]
    if fresh:
        held = _held(recipe, model)
        fresh = [leaf for leaf in fresh if id(leaf) not in held]
    return tuple(tuple(leaf.shape) for leaf in fresh)


def leaves(loss: Tensor) -> list[Tensor]:
    """The leaf tensors that a loss can be differentiated by, in the order of the forward pass.

    >>> import torch
    >>> weight = torch.ones(2, requires_grad=True)
    >>> leaves((2 * weight).sum())[0] is weight
    True
    """
    found: dict[int, Tensor] = {}
    seen: set[Any] = set()
    waiting: list[Any] = [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if isinstance(leaf, Tensor):
            found.setdefault(id(leaf), leaf)
        waiting.extend(following for following, _ in node.next_functions)
    return list(found.values())[::-1]


def _held(recipe: Recipe, model: nn.Module) -> set[int]:
    try:
        groups = build_optimizer(recipe, model).param_groups
    except TorchclinicError:
        return set()
    return {id(parameter) for group in groups for parameter in group["params"]}
