"""LossFacts: which function the loss is, what it is given, and of which rows it says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor

from torchclinic.clinic.preflight.loss.variance import written_variance
from torchclinic.clinic.preflight.observing import Observation
from torchclinic.core.facts import LossFacts, TargetFacts
from torchclinic.core.recipe import Recipe
from torchclinic.training import seeded

MOST_LABELS = 20
SPREADS = (0.1, 3.0)  # of made-up outputs
EXPONENTIALS = ("ExpBackward", "Exp2Backward", "SoftplusBackward")
VIEWS = ("View", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Select", "Clone", "Clamp")


def loss_facts(recipe: Recipe, seen: Observation, targets: TargetFacts) -> LossFacts:
    """What is known of a loss from one call, and from its gradient at made-up outputs.

    The gradient at the output tells for each row whether the loss asks anything of it. A row at
    which it is exactly 0, for the model's own outputs and for random ones of both signs, has no
    part in the training.

    Args:
        recipe: Has the loss.
        seen: A pass over the sample, its graph still there.
        targets: Facts about its targets.
    """
    named = seen.named
    output = seen.output if named is None else named.output
    target = seen.target if named is None or named.target is None else named.target
    rows, silent = _silence(recipe, seen, targets)
    spread = written_variance(recipe, seen) if named is None else named.variance
    return LossFacts(
        function="" if named is None else named.name,
        log_input=None if named is None else named.log_input,
        given="any" if output is None else _given(output.detach()),
        exponential=output is not None and _exponential(output),
        variance=_extreme(spread, torch.amin),
        lowest=_extreme(target, torch.amin),
        highest=_extreme(target, torch.amax),
        rows=rows,
        silent=silent,
    )


def _given(output: Tensor) -> Literal["probabilities", "log-probabilities", "positive", "any"]:
    if not output.is_floating_point() or output.numel() == 0:
        return "any"
    if output.dim() > 1 and output.shape[1] > 1:
        rows = output.movedim(1, -1).float()
        if bool((rows >= 0).all()) and bool(((rows.sum(-1) - 1).abs() < 1e-3).all()):
            return "probabilities"
        if bool((rows.logsumexp(-1).abs() < 1e-3).all()):
            return "log-probabilities"
    return "positive" if bool((output > 0).all()) else "any"


def _exponential(output: Tensor) -> bool:
    """Whether an exponential or a softplus made it; views of it do not count."""
    node = output.grad_fn
    while node is not None and any(name in node.name() for name in VIEWS):
        node = node.next_functions[0][0] if node.next_functions else None
    return node is not None and node.name().startswith(EXPONENTIALS)


def _extreme(target: Tensor | None, pick: Any) -> float | None:
    return None if target is None or target.numel() == 0 else float(pick(target.detach().float()))


def _silence(
    recipe: Recipe, seen: Observation, targets: TargetFacts
) -> tuple[dict[int, int], dict[int, int]]:
    """Rows by label, and those of them of which the loss says nothing."""
    output, target = seen.output, seen.target
    if output is None or target is None or not output.is_floating_point() or not output.dim():
        return {}, {}
    labels = _labels(target, targets)
    if labels is None or len(labels) != len(output):
        return {}, {}
    asked = torch.zeros(len(output), dtype=torch.bool)
    tried = 0
    for gradient in _gradients(recipe, seen, output, target):
        asked |= gradient.reshape(len(output), -1).ne(0).any(1).cpu()
        tried += 1
    if tried < 2:
        return {}, {}
    rows = {int(c): int((labels == c).sum()) for c in labels.unique()}
    silent = {c: int(((labels == c) & ~asked).sum()) for c in rows}
    return rows, {c: n for c, n in silent.items() if n}


def _labels(target: Tensor, facts: TargetFacts) -> Tensor | None:
    """One label a row; None where targets are numbers, or several a row."""
    flat = target.detach().cpu()
    if facts.kind == "one-hot" and flat.dim() == 2:
        flat = flat.argmax(1)
    flat = flat.reshape(-1) if flat.numel() == len(flat) else flat
    if flat.dim() != 1 or not bool((flat == flat.round()).all()):
        return None
    return flat.long() if flat.unique().numel() <= MOST_LABELS else None


def _gradients(
    recipe: Recipe, seen: Observation, output: Tensor, target: Tensor
) -> Iterator[Tensor]:
    if seen.loss is not None and seen.loss.requires_grad and output.requires_grad:
        own = _own_gradient(seen.loss, output)
        if own is not None and bool(own.isfinite().all()):
            yield own
    if recipe.loss is None:
        return
    with seeded(0):
        for spread in SPREADS:
            made = spread * torch.randn(output.shape, dtype=output.dtype, device=output.device)
            for values in (made, made.sigmoid()):
                found = _gradient(recipe.loss, values, target)
                if found is not None:
                    yield found


def _own_gradient(loss: Tensor, output: Tensor) -> Tensor | None:
    try:
        return torch.autograd.grad(loss, output, retain_graph=True, allow_unused=True)[0]
    except RuntimeError:  # the training's own backward pass will say so
        return None


def _gradient(loss: Any, values: Tensor, target: Tensor) -> Tensor | None:
    values = values.detach().requires_grad_()
    try:
        value = loss(values, target)
        found = torch.autograd.grad(value, values, allow_unused=True)[0]
    except Exception:  # noqa: BLE001 - a user's loss may refuse what is no output of its model
        return None
    return found if found is not None and bool(found.isfinite().all()) else None
