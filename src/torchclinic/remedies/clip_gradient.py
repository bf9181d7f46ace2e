"""A limit on the total gradient norm."""

from __future__ import annotations

import math
from functools import partial
from statistics import median

from torchclinic.core import Case, Change, NotApplicable, Recipe
from torchclinic.core.trace import TOTAL_GRADIENT_NORM
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import number, rounded
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register

USUAL = 1.0  # the common choice since Pascanu et al. 2013
RANGE = (0.1, 10.0)  # a median outside of it describes the fault and not the training


@register
class ClipGradient(BaseRemedy):
    """Scale the gradient down to a norm of 1, or to the median norm of the watched run."""

    name = "clip-gradient"
    title = "Gradient clipping by norm"
    reason = "one huge gradient no longer throws the weights far away"
    source = "Pascanu et al. 2013, On the difficulty of training RNNs, arXiv 1211.5063"
    place = Place.LOOP

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies where no limit as low is set already."""
        limit = _limit(case)
        if recipe.clip_norm is not None and recipe.clip_norm <= limit:
            return NotApplicable(f"the gradient norm is clipped at {recipe.clip_norm:g} already")
        code = (
            "import torch\n\n# between loss.backward() and optimizer.step()\n"
            f"torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm={number(limit)})"
        )
        title = f"Gradient norm clipped at {limit:g}"
        return self.change(partial(_clip, limit=limit), code, title=title)


def _clip(recipe: Recipe, limit: float) -> Recipe:
    return recipe.replace(clip_norm=limit)


def _limit(case: Case) -> float:
    norms: tuple[float, ...] = case.history.gradient_norms if case.history else ()
    if not norms and case.trace and TOTAL_GRADIENT_NORM in case.trace.steps:
        norms = case.trace.steps[TOTAL_GRADIENT_NORM].values
    finite = [norm for norm in norms if math.isfinite(norm)]
    middle = median(finite) if finite else USUAL
    return rounded(middle) if RANGE[0] <= middle <= RANGE[1] else USUAL
