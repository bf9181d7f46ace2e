"""L1 and L2 penalties on the weights, as their exact gradients."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from torchclinic.core import Penalty, RecipeError


class Penalties:
    r"""Adds the gradient of $\lambda \sum |w|$ or $\lambda \sum w^2$ to the weights' gradients.

    The gradient is $\lambda \, \mathrm{sign}(w)$ (0 at 0) or $2 \lambda w$: what automatic
    differentiation of the penalised loss gives, without the penalty's graph. It is added once an
    update, before clipping.

    Args:
        penalties: Of the recipe.
        model: Whose parameters they weigh.

    Raises:
        RecipeError: If a penalty's glob fits no parameter.

    >>> layer = nn.Linear(2, 1, bias=False)
    >>> _ = nn.init.constant_(layer.weight, 3.0)
    >>> penalties = Penalties([Penalty("l2", 0.5)], layer)
    >>> penalties.add_gradients()
    >>> layer.weight.grad.tolist(), float(penalties.value())
    ([[3.0, 3.0]], 9.0)
    """

    def __init__(self, penalties: Sequence[Penalty], model: nn.Module) -> None:
        self._chosen = [(penalty, _chosen(penalty, model)) for penalty in penalties]

    @torch.no_grad()
    def add_gradients(self) -> None:
        """Add the gradients to the parameters' `grad`."""
        for penalty, parameters in self._chosen:
            for parameter in parameters:
                if _counts(penalty, parameter):
                    _add_gradient(penalty, parameter)

    @torch.no_grad()
    def value(self) -> Tensor | float:
        """What the penalties add to the loss."""
        total: Tensor | float = 0.0
        for penalty, parameters in self._chosen:
            for weight in parameters:
                if _counts(penalty, weight):
                    size = weight.abs() if penalty.kind == "l1" else weight.abs().square()
                    total = total + penalty.weight * size.sum()
        return total


def _chosen(penalty: Penalty, model: nn.Module) -> list[nn.Parameter]:
    named = dict(model.named_parameters())
    found = [named[name] for name in named if fnmatchcase(name, penalty.parameters)]
    if not found:
        raise RecipeError(
            f"the {penalty.kind} penalty's parameters={penalty.parameters!r} fits none of "
            f"{', '.join(list(named)[:8])}",
            hint="a glob over parameter names, such as 'layers.*' or '*weight'",
        )
    return found


def _counts(penalty: Penalty, parameter: nn.Parameter) -> bool:
    if not parameter.requires_grad or is_lazy(parameter):
        return False
    return parameter.dim() >= 2 or not penalty.skip_norms_and_biases


def _add_gradient(penalty: Penalty, parameter: nn.Parameter) -> None:
    if penalty.kind == "l1":
        term, scale = torch.sgn(parameter), penalty.weight
    else:
        term, scale = parameter, 2 * penalty.weight
    if parameter.grad is None or parameter.grad.is_sparse:
        dense = term * scale
        parameter.grad = dense if parameter.grad is None else dense + parameter.grad
    else:
        parameter.grad.add_(term, alpha=scale)
