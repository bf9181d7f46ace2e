"""rate_trial(): the watched run once more, at the learning rate that is said to be better."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

from torch import nn
from torch.optim import Optimizer

from torchclinic.clinic.threads import suited_threads
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import Case, RateTrialFacts
from torchclinic.core.history import History
from torchclinic.core.recipe import Recipe
from torchclinic.functional.progress import Progress
from torchclinic.rules import thresholds as t
from torchclinic.rules.grading import state_of
from torchclinic.rules.rates import configured_rate, proven_low, rates_to_try, trial_gain
from torchclinic.training import build_optimizer, train

MAX_SECONDS = 12.0  # for all trials
LONGER = 3
Split = Literal["train", "validation"]


def rate_trial(recipe: Recipe, seed: int, case: Case, step_seconds: float) -> RateTrialFacts | None:
    """Train at other rates than the configured one, over the steps of the watched run.

    Nothing shows better that steps are too small than larger ones that get farther, or that they
    are too large than smaller ones: a place on the range test's curve alone does not.

    Args:
        recipe: As it was run.
        seed: As it was run.
        case: With the history of that run and the range test.
        step_seconds: What an update takes.

    Returns:
        The better trial; None where the run gives no reason for one, or it takes too long.
    """
    history, used = case.history, configured_rate(case)
    if history is None or used is None or history.ending == "early-stopping":
        return None
    steps, left = len(history.losses), MAX_SECONDS
    trials: list[RateTrialFacts] = []
    higher = True  # whether a still larger one may help
    for rate in rates_to_try(case):
        if rate > used and not higher:
            continue
        left -= 1.5 * steps * step_seconds
        if left < 0:
            break
        try:
            with suited_threads(step_seconds):
                run = train(
                    _at_rate(recipe, rate / used), seed, max_steps=steps, evaluate_train=True
                )
        except TorchclinicError:
            continue
        found = _compared(history, run.history, used, rate)
        if found is not None:
            trials.append(found)
            tried = dataclasses.replace(case, trial=found)
            if proven_low(tried):
                break
            higher = (trial_gain(tried) or 0.0) >= -t.TRIAL_GAIN
    return min(trials, key=lambda trial: trial.tried, default=None)


def longer_trial(
    recipe: Recipe, seed: int, case: Case, step_seconds: float
) -> RateTrialFacts | None:
    """Train three times as long, where a training that ended seems to have been too short.

    One of a few updates is given as many as can tell whether it learns.

    Args:
        recipe: As it was run.
        seed: As it was run.
        case: With the history of that run and the trial of its rate.
        step_seconds: What an update takes.

    Returns:
        None where the run was neither slow nor short and poor, or it takes too long.
    """
    history, used, state = case.history, configured_rate(case), state_of(case)
    done = len(history.losses) if history is not None else 0
    short = done < t.FEW_STEPS and state.poor and state.progress is not Progress.DIVERGED
    if history is None or used is None or case.recipe is None:
        return None
    if not (state.progress is Progress.SLOW or (short and state.complete)):
        return None
    times = max(LONGER, math.ceil(t.FEW_STEPS / done))
    if 1.5 * times * done * step_seconds > MAX_SECONDS:
        return None
    length = {"steps": times * done} if recipe.epochs is None else {"epochs": times * recipe.epochs}
    try:
        with suited_threads(step_seconds):
            run = train(recipe.replace(**length), seed, evaluate_train=True)
    except TorchclinicError:
        return None
    found = _compared(history, run.history, used, used)
    return None if found is None else dataclasses.replace(found, steps=len(run.history.losses))


def _at_rate(recipe: Recipe, factor: float) -> Recipe:
    """The recipe with all its learning rates multiplied."""

    def build(model: nn.Module) -> Optimizer:
        optimizer = build_optimizer(recipe, model)
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * factor
        optimizer.defaults["lr"] = optimizer.param_groups[0]["lr"]
        return optimizer

    return recipe.replace(optimizer=build)


def _compared(given: History, other: History, used: float, rate: float) -> RateTrialFacts | None:
    split: Split = "validation" if given.last("validation") is not None else "train"
    first, second = given.last(split), other.last(split)
    if first is None or second is None or not math.isfinite(first.loss):
        return None
    if not 0.7 < max(other.learning_rates, default=0.0) / rate < 1.5:
        return None  # a schedule of its own sets the rate
    tried = second.loss if math.isfinite(second.loss) else math.inf
    return RateTrialFacts(
        used, rate, len(given.losses), split, first.loss, tried, first.metric, second.metric
    )
