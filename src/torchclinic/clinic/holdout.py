"""Which data the search chooses by and which data the proof is judged on: never the same."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from torchclinic import data
from torchclinic.clinic.shares import shares_for
from torchclinic.core.errors import DataError
from torchclinic.core.recipe import Recipe
from torchclinic.core.splits import Splits

SEARCH_SHARE = 0.15  # of the training rows, where no validation set is given
PROOF_SHARE = 0.15  # of the training rows, where no test set is given either
MIN_VALIDATION_ROWS = 200  # a validation set smaller than this is not cut in halves


@dataclass(frozen=True)
class Holdout:
    """Two views of one recipe's data.

    Attributes:
        search: Recipe whose `validation` part the search may choose by; it has no test part.
        proof: Recipe whose `test` part only the proof sees. Its `validation` part is the one that
            early stopping may use; None when that would take training rows away.
        proof_with_validation: As `proof`, with a validation part in any case.
        judged_on: The proof's data, in words.
    """

    search: Recipe
    proof: Recipe
    proof_with_validation: Recipe
    judged_on: str


def hold_out(recipe: Recipe, *, seed: int = 0) -> Holdout:
    """Divide a recipe's data so that a repair is not judged on what it was chosen by.

    - train, validation and test given: the search sees validation, the proof test.
    - train and test: the search sees 15 % of train, set aside.
    - train and validation: validation is halved (if it has 200 rows or more; else 15 % of train
      serve the search and validation the proof).
    - train only: 15 % each are set aside for search and proof; the rest trains, in both.

    What is set aside from train is up to a batch more, so that its last batch keeps its size.

    Args:
        recipe: The user's recipe.
        seed: Of the division; classes keep their shares.

    Raises:
        DataError: When the data has too few rows to divide.
    """
    given = recipe.splits
    if given.test is not None:
        return _with_test(recipe, given, seed)
    if given.validation is not None:
        return _with_validation(recipe, given, seed)
    train, search, proof = _set_aside(recipe, (SEARCH_SHARE, PROOF_SHARE), seed)
    whole = dataclasses.replace(given, train=train, validation=search, test=proof)
    return Holdout(
        search=_on(recipe, whole, test=None),
        proof=_on(recipe, whole, validation=None),
        proof_with_validation=_on(recipe, whole),
        judged_on=f"{_rows(proof)} rows set aside from the training data before the search",
    )


def _with_test(recipe: Recipe, given: Splits, seed: int) -> Holdout:
    judged_on = f"the test split ({_rows(given.test)} rows)"
    if given.validation is not None:
        proof = _on(recipe, given)
        return Holdout(_on(recipe, given, test=None), proof, proof, judged_on)
    train, search = _set_aside(recipe, (SEARCH_SHARE,), seed)
    return Holdout(
        search=_on(recipe, given, train=train, validation=search, test=None),
        proof=_on(recipe, given),
        proof_with_validation=_on(recipe, given, train=train, validation=search),
        judged_on=judged_on,
    )


def _with_validation(recipe: Recipe, given: Splits, seed: int) -> Holdout:
    rows = data.count_rows(given.validation)
    if rows is not None and rows >= MIN_VALIDATION_ROWS:
        search, test = data.split(given.validation, (0.5, 0.5), seed=seed)
        proof = _on(recipe, given, validation=search, test=test)
        judged_on = f"half of the validation split ({_rows(test)} rows) that the search did not see"
        return Holdout(_on(recipe, given, validation=search), proof, proof, judged_on)
    train, search = _set_aside(recipe, (SEARCH_SHARE,), seed)
    proof = _on(recipe, given, validation=None, test=given.validation)
    return Holdout(
        search=_on(recipe, given, train=train, validation=search),
        proof=proof,
        proof_with_validation=_on(
            recipe, given, train=train, validation=search, test=given.validation
        ),
        judged_on=f"the validation split ({_rows(given.validation)} rows), unseen by the search",
    )


def _set_aside(recipe: Recipe, shares: tuple[float, ...], seed: int) -> tuple:
    """The training data less some shares of it, and these."""
    rows = data.count_rows(recipe.splits.train)
    if rows is not None and rows * min(shares) < 2:
        raise DataError(
            f"{rows} rows are too few to set some aside for an honest proof",
            hint="give Splits(train=..., test=...) or more data",
        )
    return data.split(recipe.splits.train, shares_for(recipe, shares), seed=seed)


def _on(recipe: Recipe, splits: Splits, **parts: object) -> Recipe:
    return recipe.replace(data=dataclasses.replace(splits, **parts))


def _rows(source: object) -> str:
    rows = data.count_rows(source)
    return "some" if rows is None else f"{rows:,}"
