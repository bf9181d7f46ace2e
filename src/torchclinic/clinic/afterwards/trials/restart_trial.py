"""restart_trial(): the watched run once more, from first weights of a usual scale."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.clinic.afterwards.trials.rate_trial import MAX_SECONDS, Split
from torchclinic.clinic.preflight.plain_model import build_plain
from torchclinic.clinic.threads import suited_threads
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import Case, RateTrialFacts
from torchclinic.core.history import History
from torchclinic.core.recipe import Recipe
from torchclinic.functional.progress import Progress
from torchclinic.rules.grading import state_of, wanting
from torchclinic.rules.rates import configured_rate, helps
from torchclinic.rules.start import Rescaling, usual_scale
from torchclinic.training import train

FEWEST = 0.25  # of the steps, where all of them would take too long


def restart_trial(
    recipe: Recipe, seed: int, case: Case, step_seconds: float
) -> RateTrialFacts | None:
    """Train from the same first weights, those that are suspected to be too large made smaller.

    Args:
        recipe: As it was run.
        seed: As it was run.
        case: With the history of that run.
        step_seconds: What an update takes.

    Returns:
        None where no first weights are suspected, the training leaves nothing to wish for, or it
        takes too long.
    """
    history, used, changes = case.history, configured_rate(case), usual_scale(case)
    state = state_of(case)
    content = state.fine and not wanting(state)
    if history is None or used is None or not changes or content:
        return None
    done = len(history.losses)
    lost = state.progress is Progress.DIVERGED  # it may have ended long before its time
    wanted = max(done, history.planned_steps or 0) if lost else done
    steps = min(wanted, int(MAX_SECONDS / (1.5 * step_seconds)))
    if steps < FEWEST * done:
        return None

    try:
        changed = recipe.replace(model=_rescaled(build_plain(recipe, seed), changes))
        with suited_threads(step_seconds):
            run = train(changed, seed, max_steps=steps, evaluate_train=True)
    except TorchclinicError:
        return None
    found = _compared(history, run.history, used)
    if found is None or (steps < done and not helps(case, found)):
        return None  # fewer steps that get less far say nothing
    return found


def _compared(given: History, other: History, used: float) -> RateTrialFacts | None:
    split: Split = "validation" if given.last("validation") is not None else "train"
    first, second = given.last(split), other.last(split)
    if second is None:
        return None
    loss = math.inf if first is None else _finite(first.loss)
    metric = None if first is None else first.metric
    steps = len(other.losses)
    return RateTrialFacts(
        used, used, steps, split, loss, _finite(second.loss), metric, second.metric
    )


def _rescaled(model: nn.Module, changes: Iterable[Rescaling]) -> nn.Module:
    with torch.no_grad():
        for change in changes:
            for weight in _weights(model, change):
                weight.mul_(change.factor)
    return model


def _finite(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf


def _weights(model: nn.Module, change: Rescaling) -> list[Tensor]:
    """The parameters that a rescaling means."""
    named = dict(model.named_parameters())
    if change.layer in named:  # a bare parameter is a layer under its own name
        return [named[change.layer]]
    layer: Any = model.get_submodule(change.layer)
    if change.part == "recurrent":
        return [p for name, p in layer.named_parameters() if "weight_hh" in name]
    if isinstance(layer, nn.MultiheadAttention):
        return [layer.out_proj.weight]
    weight = getattr(layer, "weight", None)
    return [weight] if isinstance(weight, nn.Parameter) else []
