"""One batch, computed stacked and by the model itself: do they agree?"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from torchclinic.core import Recipe
from torchclinic.engine.stacked.blueprint import Blueprint
from torchclinic.engine.stacked.layout import lay_out
from torchclinic.engine.stacked.mass import Mass
from torchclinic.engine.stacked.mlp.dropout import Draws
from torchclinic.engine.stacked.network import Network
from torchclinic.engine.stacked.structure import structure
from torchclinic.training import compute_loss, preserved

Make = Callable[[Sequence[Recipe], Sequence[nn.Module], Mass, Draws], Network]
# A network that computes something else is off by much more, rounding by much less.
TOLERANCES = {torch.float64: 1e-8, torch.float32: 1e-3}
_LOOSE = 3e-2  # of types with fewer bits
_DIFFERENCE = 0.01  # by which the two members' parameters differ, so that a mix-up would show


def disagreement(recipe: Recipe, blueprint: Blueprint, make: Make) -> str | None:
    """What is wrong with a network for an arm's stacks; None if it does what the model does.

    Two members are computed, losses, gradients and buffers compared. That is done on the CPU
    wherever the runs will be: a GPU draws other random numbers for many members than for one.

    Args:
        recipe: The arm's.
        blueprint: The arm's.
        make: Makes the network.
    """
    there = recipe.replace(device="cpu")
    with preserved():
        models = [_moved(blueprint.model, number) for number in range(2)]
        single = [copy.deepcopy(model) for model in models]
        try:
            expected = [_alone(there, blueprint, m, n) for n, m in enumerate(single)]
        except _UnfitError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - the run itself will tell of it
            return f"a step of it raised {type(error).__name__}"
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message="There is a performance drop")
                return _compared(there, blueprint, make, models, expected)
        except Exception as error:  # noqa: BLE001 - whatever cannot be stacked runs by itself
            return f"torch.func cannot map it: {_first_line(error)}"


class _UnfitError(Exception):
    """The model does something that a stack cannot follow."""


def _moved(model: nn.Module, number: int) -> nn.Module:
    moved = copy.deepcopy(model).cpu()
    generator = torch.Generator().manual_seed(number)
    with torch.no_grad():
        for parameter in moved.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(noise.to(parameter), alpha=_DIFFERENCE * number)
    return moved


def _batch(blueprint: Blueprint, number: int) -> tuple[Tensor, Tensor]:
    """Rows for one of the two members: the first ones, or the same backwards."""
    rows = blueprint.rows
    index = torch.arange(min(rows.size, rows.count), device=rows.inputs.device)
    x, y = rows.gather(index.flip(0)[None] if number else index[None])
    return x[0].cpu().clone(), y[0].cpu().clone()


def _alone(recipe: Recipe, blueprint: Blueprint, model: nn.Module, number: int) -> list[Tensor]:
    """Loss, gradients and buffers of the model itself."""
    before = structure(model)
    torch.manual_seed(number)
    with torch.enable_grad():
        loss = compute_loss(recipe, model, _batch(blueprint, number))[0]
        loss.backward()
    if structure(model) != before:
        raise _UnfitError("its model keeps something from step to step besides its buffers")
    gradients: list[Tensor] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            raise _UnfitError(f"its parameter {name!r} has no part in the loss")
        if parameter.grad is not None:
            gradients.append(parameter.grad)
    return [loss.detach(), *gradients, *model.buffers()]


def _compared(
    recipe: Recipe,
    blueprint: Blueprint,
    make: Make,
    models: Sequence[nn.Module],
    expected: Sequence[Sequence[Tensor]],
) -> str | None:
    layout = lay_out(models[0], blueprint.groups)
    mass = Mass(models, layout)
    draws = Draws([torch.Generator().manual_seed(number) for number in range(2)])
    batches = [_batch(blueprint, number) for number in range(2)]
    x, y = (torch.stack(parts) for parts in zip(*batches, strict=True))
    losses = make([recipe, recipe], models, mass, draws).step(x, y)
    gradients = mass.stacked_gradients()
    trained = [n for n, p in models[0].named_parameters() if p.requires_grad]
    for number, values in enumerate(expected):
        real = [v for v in values if v.is_floating_point() and v.numel()]
        largest = max(float(v.abs().nan_to_num(0.0, 0.0).max()) for v in real)
        found = [losses, *(gradients[name] for name in trained), *mass.buffers.values()]
        for one, other in zip(found, values, strict=True):
            if not _close(one[number], other, largest):
                return "stacked and alone its first step differs"
    return None


def _close(found: Tensor, expected: Tensor, largest: float) -> bool:
    """Whether two tensors agree, beside the largest value: some are 0 but for rounding."""
    if not expected.is_floating_point():
        return bool((found == expected).all())
    tolerance = TOLERANCES.get(expected.dtype, _LOOSE)
    return torch.allclose(found, expected, rtol=tolerance, atol=tolerance * largest, equal_nan=True)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:100] if lines else ''}"
