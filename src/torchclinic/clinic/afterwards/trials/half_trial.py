"""half_trial(): the run once more on half of its rows, and what it knows of the other half."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from torchclinic.clinic.afterwards.trials.halving import ASKED_ROWS, Halves, halves_of
from torchclinic.clinic.afterwards.trials.rate_trial import MAX_SECONDS
from torchclinic.clinic.answers import answers
from torchclinic.clinic.preflight.data.plain_relation import plain_relation
from torchclinic.clinic.preflight.data.points import points_of
from torchclinic.clinic.preflight.sampling import first_input, sample_of
from torchclinic.clinic.threads import suited_threads
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import Case, HalfTrialFacts
from torchclinic.core.recipe import Recipe
from torchclinic.core.splits import Splits
from torchclinic.data import batch_to
from torchclinic.data.structure import rows_of, tensors_of
from torchclinic.rules.knowing import stays_behind
from torchclinic.training import forward, preserved, split_batch, train

TWICE = 2  # the epochs, as half of the rows make half of the updates
WITHIN_ROWS = 800  # of the validation part, from which a plain model learns


def half_trial(recipe: Recipe, seed: int, case: Case, step_seconds: float) -> HalfTrialFacts | None:
    """Train on half of the training rows, where validation knows little of what is learnt.

    A model that overfits knows as little of the other half as of validation. One that knows the
    other half, and not the validation part, is validated on rows of another kind.

    Args:
        recipe: As it was run.
        seed: As it was run.
        case: With the history of that run.
        step_seconds: What an update takes.

    Returns:
        None where validation does not stay behind, the rows cannot be halved, or it takes too long.
    """
    history, part = case.history, recipe.splits.validation
    if history is None or part is None or not stays_behind(case):
        return None
    steps = len(history.losses)
    if 1.5 * steps * step_seconds > MAX_SECONDS:
        return None
    try:
        with preserved():
            halves = halves_of(recipe)
        if halves is None:
            return None
        return _tried(recipe, seed, case, halves, steps, step_seconds)
    except TorchclinicError:
        return None


def _tried(
    recipe: Recipe, seed: int, case: Case, halves: Halves, steps: int, step_seconds: float
) -> HalfTrialFacts:
    longer = {} if recipe.epochs is None else {"epochs": TWICE * recipe.epochs}
    data = Splits(halves.first, halves.second, name=recipe.splits.name)
    tried = recipe.replace(data=data, early_stopping=None, **longer)
    with suited_threads(step_seconds):
        run = train(tried, seed, max_steps=steps, keep_model=True)
    with preserved():
        within = _within(recipe, case)
    return HalfTrialFacts(
        rows=rows_of(halves.second) or 0,
        validation_rows=None if case.recipe is None else case.recipe.validation_rows,
        relation=_relation(tried, run.model, halves.second, case),
        validation_relation=_relation(tried, run.model, recipe.splits.validation, case),
        predictions=answers(tried, run.model, case),
        within=None if within is None else within[0],
        within_z=None if within is None else within[1],
    )


def _relation(recipe: Recipe, model: nn.Module | None, part: Any, case: Case) -> float | None:
    """Rank correlation of answers and targets, where these are one number a row.

    Ranks, as one price in a thousand may be most of a squared error.
    """
    if model is None or case.batch is None or case.batch.targets.kind != "real":
        return None
    sample = batch_to(sample_of(recipe, part, ASKED_ROWS), recipe.device)
    inputs, targets = split_batch(sample)
    with preserved(), torch.no_grad():
        output = next(tensors_of(forward(model, inputs)), None)
    wanted, rows = next(tensors_of(targets), None), rows_of(sample)
    if output is None or wanted is None or not output.numel() == wanted.numel() == rows:
        return None
    answer = output.detach().cpu().reshape(-1).double()
    if not bool(answer.isfinite().all()) or float(answer.std()) == 0:
        return 0.0
    ranks = [x.argsort().argsort().double() for x in (answer, wanted.detach().cpu().reshape(-1))]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1])


def _within(recipe: Recipe, case: Case) -> tuple[float, float] | None:
    """What a plain model knows of validation rows after learning from others of them."""
    assert case.batch is not None
    sample = sample_of(recipe, recipe.splits.validation, WITHIN_ROWS)
    target = next(tensors_of(split_batch(sample)[1]), None)
    points = points_of(first_input(sample))
    if target is None or points is None or target.numel() != len(points[0]):
        return None
    classes = case.batch.targets.kind in ("classes", "binary")
    return plain_relation(points[0], target.detach().cpu().reshape(-1).double(), classes=classes)
