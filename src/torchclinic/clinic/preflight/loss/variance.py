"""Whether a loss written by hand takes half of the outputs for variances."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchclinic.clinic.preflight.observing import Observation
from torchclinic.core.recipe import Recipe
from torchclinic.training import seeded

ROWS = 32  # are enough to compare two formulas
MADE_UP = 5  # outputs: two fix a factor and a constant, the others are tried
AGREES = 1e-3  # relative difference of two ways to compute one loss in float32


def written_variance(recipe: Recipe, seen: Observation) -> Tensor | None:
    r"""The outputs that a Gaussian negative log-likelihood takes for variances.

    It is known by its values at made-up outputs with positive variances: up to a factor and a
    constant they are the mean of $\\log v + (y - \\mu)^2 / v$.

    Returns:
        None where the loss is another.
    """
    output, target = seen.output, seen.target
    if recipe.loss is None or output is None or target is None or seen.kind != "custom":
        return None
    columns = output.shape[1] if output.dim() == 2 else 0
    if columns % 2 or not output.is_floating_point() or target.numel() != output.numel() // 2:
        return None
    given, wanted = output.detach()[:ROWS], target.detach()[:ROWS]
    with torch.no_grad(), seeded(0):
        for first in (False, True):
            if _agrees(recipe, given, wanted, first=first):
                return output.detach().chunk(2, 1)[0 if first else 1]
    return None


def _agrees(recipe: Recipe, given: Tensor, wanted: Tensor, *, first: bool) -> bool:
    assert recipe.loss is not None
    pairs: list[tuple[float, float]] = []
    for _ in range(MADE_UP):
        mean = torch.randn_like(given.chunk(2, 1)[0])
        variance = 0.3 + 2 * torch.rand_like(mean)
        made = torch.cat([variance, mean] if first else [mean, variance], 1)
        away = wanted.reshape(mean.shape) - mean
        expected = float((variance.log() + away.square() / variance).mean())
        try:
            pairs.append((expected, float(recipe.loss(made, wanted))))
        except Exception:  # noqa: BLE001 - a user's loss may refuse what is no output of its model
            return False
    (x, y), (u, v) = pairs[:2]
    factor = (v - y) / (u - x) if u != x else math.nan
    return factor > 0 and all(
        math.isclose(y + factor * (a - x), b, rel_tol=AGREES, abs_tol=AGREES * abs(factor))
        for a, b in pairs[2:]
    )
