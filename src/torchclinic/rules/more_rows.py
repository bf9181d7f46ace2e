"""What more training rows would give, from two points of the learning curve."""

from __future__ import annotations

import math
from typing import NamedTuple

from torchclinic.core.facts import Case, PredictionFacts
from torchclinic.functional.skill import baseline, metric_skill, rescale
from torchclinic.rules import thresholds as t
from torchclinic.rules.grading import state_of
from torchclinic.rules.knowing import answered


class MoreRows(NamedTuple):
    """What a training knows of the validation rows, 0 for nothing and 1 for all.

    Attributes:
        half: After learning from every second training row, the mean over both halves.
        full: After learning from all of them.
        twice: What twice as many would teach, if the curve goes on as it does.
        z: full - half in deviations of chance.
    """

    half: float
    full: float
    twice: float
    z: float

    @property
    def gain(self) -> float:
        """What twice as many rows would add."""
        return self.twice - self.full


def more_rows(case: Case) -> MoreRows | None:
    r"""Two points of the learning curve, and the next one.

    What is not known falls with the rows like a power law, so that each doubling leaves the same
    share of it: $e(2n) = e(n)^2 / e(n/2)$.

    Returns:
        None without a trial on fewer rows, or where the two cannot be compared.

    Source: Hestness et al. 2017, "Deep Learning Scaling is Predictable, Empirically", arXiv
    1712.00409; Cortes et al. 1994, "Learning Curves: Asymptotic Values and Rate of Convergence".

    >>> more_rows(Case()) is None
    True
    """
    end = None if case.history is None else case.history.last("validation")
    rows = case.recipe.validation_rows if case.recipe is not None else None
    if len(case.fewer) != 2 or end is None or not rows:
        return None
    one, other = (_known(case, x.predictions, x.loss, x.metric) for x in case.fewer)
    full = _known(case, case.predictions, end.loss, end.metric)
    if one is None or other is None or full is None:
        return None
    half, full = max((one + other) / 2, 0.0), max(full, 0.0)
    twice = 1 - (1 - full) ** 2 / (1 - half) if full > half else full
    variance = max(full * (1 - full), 1 / rows) / rows + max(half * (1 - half), 1 / rows) / 2 / rows
    spread = math.sqrt(variance + (one - other) ** 2 / 4)
    return MoreRows(half, full, twice, (full - half) / spread)


def too_few(case: Case) -> MoreRows | None:
    """The learning curve, where it says that the rows are too few.

    >>> too_few(Case()) is None
    True
    """
    found = more_rows(case)
    if found is None or not known_apart(case) or found.z <= t.FEW_ROWS_Z:
        return None
    return found if found.gain > t.FEW_ROWS_GAIN else None


def known_apart(case: Case) -> bool:
    """Whether the training rows are known much better than those of validation.

    >>> known_apart(Case())
    False
    """
    state = state_of(case)
    own, other = metric_skill(case, "train"), metric_skill(case, "validation")
    if own is None or other is None:
        own, other = state.removed, state.validation_removed
    return own is not None and other is not None and own - max(other, 0.0) > t.FEW_ROWS_GAP


def _known(
    case: Case, answers: PredictionFacts | None, loss: float | None, metric: float | None
) -> float | None:
    if answers is not None and case.batch is not None:
        return answered(answers, case.batch)
    name = None if case.history is None else case.history.metric
    base, state = baseline(name, case.batch), state_of(case)
    if metric is not None and base is not None and math.isfinite(metric):
        return rescale(metric, base, 0.0 if name == "mse" else 1.0)
    if loss is None or state.constant is None or not state.constant_known:
        return None
    return (state.constant - loss) / ((state.constant - state.floor) or 1.0)
