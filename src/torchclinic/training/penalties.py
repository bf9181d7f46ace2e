"""Penalties on the weights, as their exact gradients."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from torchclinic.core import Penalty, RecipeError, UsageError
from torchclinic.functional import orthogonality, orthogonality_gradient
from torchclinic.graph.layer_kinds import is_norm, layer_kind


class Penalties:
    r"""Adds the gradients of a recipe's penalties to the weights' gradients.

    L1: $\lambda \sum |w|$ has $\lambda \, \mathrm{sign}(w)$ (0 at 0). L2: $\lambda \sum w^2$ has
    $2 \lambda w$. Orthogonality: $\lambda \lVert W W^T - I \rVert_F^2$ has
    $4 \lambda (W W^T - I) W$. It is what automatic differentiation of the penalised loss gives,
    without the penalty's graph. It is added once an update, before clipping.

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
                    total = total + penalty.weight * _size(penalty, weight)
        return total


def elastic_net(
    weight: float, l1_ratio: float = 0.5, *, parameters: str = "*"
) -> tuple[Penalty, ...]:
    r"""The penalties of the elastic net: $\lambda (\rho \sum |w| + \frac{1 - \rho}{2} \sum w^2)$.

    Args:
        weight: The coefficient lambda, at least 0.
        l1_ratio: The share rho of L1, from 0 to 1.
        parameters: Glob over parameter names.

    Returns:
        What `Recipe(penalties=...)` takes; a share of 0 is left out.

    Raises:
        UsageError: If a number is out of range.

    Source: Zou and Hastie 2005, doi 10.1111/j.1467-9868.2005.00503.x, as scikit-learn weighs it.

    >>> [(penalty.kind, penalty.weight) for penalty in elastic_net(0.1, 0.5)]
    [('l1', 0.05), ('l2', 0.025)]
    """
    if not weight >= 0 or not 0 <= l1_ratio <= 1:
        raise UsageError(
            f"weight is {weight!r} and l1_ratio is {l1_ratio!r}",
            hint="a weight of at least 0 and a ratio from 0 to 1",
        )
    both = (
        Penalty("l1", weight * l1_ratio, parameters),
        Penalty("l2", weight * (1 - l1_ratio) / 2, parameters),
    )
    return tuple(p for p, share in zip(both, (l1_ratio, 1 - l1_ratio), strict=True) if share)


def weight_names(model: nn.Module) -> frozenset[str]:
    """Names of the parameters that are neither biases nor parameters of normalisation layers.

    Those with fewer than two dimensions are still among them: a lazy one has no shape yet.

    >>> sorted(weight_names(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm((2, 2)))))
    ['0.weight']
    """
    norms = {name for name, m in model.named_modules() if is_norm(layer_kind(m) or "")}
    owned = ((name, *name.rpartition(".")[::2]) for name, _ in model.named_parameters())
    return frozenset(
        name for name, owner, last in owned if owner not in norms and "bias" not in last
    )


def _chosen(penalty: Penalty, model: nn.Module) -> list[nn.Parameter]:
    named = dict(model.named_parameters())
    found = [name for name in named if fnmatchcase(name, penalty.parameters)]
    if not found:
        raise RecipeError(
            f"the {penalty.kind} penalty's parameters={penalty.parameters!r} fits none of "
            f"{', '.join(list(named)[:8])}",
            hint="a glob over parameter names, such as 'layers.*' or '*weight'",
        )
    if penalty.skip_norms_and_biases:
        weights = weight_names(model)
        found = [name for name in found if name in weights]
    return [named[name] for name in found]


def _counts(penalty: Penalty, parameter: nn.Parameter) -> bool:
    if not parameter.requires_grad or is_lazy(parameter):
        return False
    any_shape = not penalty.skip_norms_and_biases and penalty.kind != "orthogonal"
    return parameter.dim() >= 2 or any_shape


def _size(penalty: Penalty, weight: Tensor) -> Tensor:
    if penalty.kind == "orthogonal":
        return orthogonality(weight)
    return weight.abs().sum() if penalty.kind == "l1" else weight.abs().square().sum()


def _add_gradient(penalty: Penalty, parameter: nn.Parameter) -> None:
    if penalty.kind == "l1":
        term, scale = torch.sgn(parameter), penalty.weight
    elif penalty.kind == "l2":
        term, scale = parameter, 2 * penalty.weight
    else:
        term, scale = orthogonality_gradient(parameter), penalty.weight
    if parameter.grad is None or parameter.grad.is_sparse:
        dense = term * scale
        parameter.grad = dense if parameter.grad is None else dense + parameter.grad
    else:
        parameter.grad.add_(term, alpha=scale)
