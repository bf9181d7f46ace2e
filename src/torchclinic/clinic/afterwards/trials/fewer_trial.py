"""fewer_trial(): the run once more on every second row, and what it knows of validation."""

from __future__ import annotations

from torchclinic.clinic.afterwards.trials.cutting import cut
from torchclinic.clinic.afterwards.trials.rate_trial import MAX_SECONDS
from torchclinic.clinic.answers import answers
from torchclinic.clinic.threads import suited_threads
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import Case, FewerRowsFacts
from torchclinic.core.finding import Level
from torchclinic.core.recipe import Recipe
from torchclinic.core.splits import Splits
from torchclinic.rules import RULES
from torchclinic.rules.more_rows import known_apart
from torchclinic.training import preserved, train

TWICE = 2  # the epochs, as half of the rows make half of the updates


def fewer_trial(
    recipe: Recipe, seed: int, case: Case, step_seconds: float
) -> tuple[FewerRowsFacts, ...]:
    """Train as long on every second row, and on the others, where validation stays behind.

    Two points of the learning curve, half of the rows and all of them, tell how much a further
    doubling would bring, and so whether the rows are too few.

    Args:
        recipe: As it was run.
        seed: As it was run.
        case: With the history of that run.
        step_seconds: What an update takes.

    Returns:
        One for each half; () where the run gives no reason for it, its cause is known, the rows
        cannot be cut, or it takes too long.
    """
    history, part = case.history, recipe.splits.validation
    if history is None or part is None or not _quiet(case):
        return ()
    steps = len(history.losses)
    if 1.5 * steps * step_seconds * TWICE > MAX_SECONDS:
        return ()
    longer = {} if recipe.epochs is None else {"epochs": TWICE * recipe.epochs}
    try:
        with preserved():
            parts = cut(recipe.splits.train, in_turn=True) or ()
        found: list[FewerRowsFacts] = []
        for rows in parts:
            tried = recipe.replace(data=Splits(rows, part, name=recipe.splits.name), **longer)
            with suited_threads(step_seconds):
                run = train(tried, seed, max_steps=steps, keep_model=True)
            end = run.history.last("validation")
            if end is None:
                return ()
            found.append(FewerRowsFacts(end.loss, end.metric, answers(tried, run.model, case)))
        return tuple(found)
    except TorchclinicError:
        return ()


def _quiet(case: Case) -> bool:
    """Whether validation is known much less, and overfitting no more than an info."""
    told = any(finding.level is not Level.INFO for finding in RULES["CRV103"].check(case))
    return known_apart(case) and not told
