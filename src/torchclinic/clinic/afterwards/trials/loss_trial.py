"""loss_trial(): the watched run once more, with a cross-entropy for its squared error."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from torchclinic.clinic.afterwards.trials.rate_trial import MAX_SECONDS
from torchclinic.clinic.threads import suited_threads
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import Case, RateTrialFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data import batches
from torchclinic.rules.grading import state_of
from torchclinic.rules.rates import configured_rate
from torchclinic.training import evaluate, evaluation_batch_size, train

SMALLEST = 1e-6  # probability that a logarithm is taken of


def loss_trial(recipe: Recipe, seed: int, case: Case, step_seconds: float) -> RateTrialFacts | None:
    """Train on a cross-entropy of the same probabilities, and judge it by the squared error.

    Whether a squared error on a sigmoid or softmax is what holds a training back shows here.

    Args:
        recipe: As it was run.
        seed: As it was run.
        case: With the history of that run.
        step_seconds: What an update takes.

    Returns:
        None where the loss is another, the training learns, or it takes too long.
    """
    history, facts, used = case.history, case.recipe, configured_rate(case)
    if history is None or facts is None or used is None or recipe.loss is None:
        return None
    ends = facts.model.output_activation
    wanted = facts.loss_kind == "mse" and ends in ("sigmoid", "softmax")
    given = history.last("validation")
    steps, part = len(history.losses), recipe.splits.validation
    if not wanted or given is None or part is None or not state_of(case).poor:
        return None
    if 1.5 * steps * step_seconds > MAX_SECONDS:
        return None
    swapped = recipe.replace(loss=_binary if ends == "sigmoid" else _classes, early_stopping=None)
    try:
        with suited_threads(step_seconds):
            run = train(swapped, seed, max_steps=steps, keep_model=True)
        rows = batches(part, batch_size=evaluation_batch_size(recipe))
        scores = evaluate(recipe, run.model, rows)
    except TorchclinicError:
        return None
    tried = scores.loss if math.isfinite(scores.loss) else math.inf
    return RateTrialFacts(
        used, used, steps, "validation", given.loss, tried, given.metric, scores.metric
    )


def _binary(output: Tensor, target: Tensor) -> Tensor:
    return F.binary_cross_entropy(output.clamp(SMALLEST, 1 - SMALLEST), target.to(output.dtype))


def _classes(output: Tensor, target: Tensor) -> Tensor:
    return -(target * output.clamp(min=SMALLEST).log()).sum(1).mean()
