"""What says that a learning rate is too high, too low or cut off too early."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from torchclinic.core.facts import Case, RateTrialFacts
from torchclinic.core.finding import Evidence
from torchclinic.core.lr_range import LRRange
from torchclinic.core.trace import SILENT_SHARE, UPDATE_RATIO
from torchclinic.functional.curves import loss_series, rate_series
from torchclinic.functional.learning import LearningState
from torchclinic.functional.noise import swing
from torchclinic.functional.progress import Progress
from torchclinic.functional.robust import finite, median, quantile
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.grading import state_of, wanting
from torchclinic.rules.traced import deep_layers, profile

# Optimizers whose steps do not grow with the gradient's scale, by the start of their class name.
ADAPTIVE = ("Adam", "NAdam", "RAdam", "RMSprop", "Adagrad", "Rprop", "Muon", "Lion")


@dataclass(frozen=True)
class Killed:
    """A schedule that cut the rate to almost nothing.

    Attributes:
        step: First step below `RATE_KILLED` of the largest rate.
        share: Share of the run that was over by then.
        rate: Rate at half of the run.
        largest: Largest rate of the run.
    """

    step: int
    share: float
    rate: float
    largest: float


def configured_rate(case: Case) -> float | None:
    """The largest rate that the run used (after a warm-up), else the recipe's."""
    used = [rate for rate in rate_series(case).values if rate > 0 and math.isfinite(rate)]
    if used:
        return max(used)
    given = case.lr_range.configured if case.lr_range is not None else None
    return given if given is not None and given > 0 else None


def suggested_rate(curve: LRRange) -> float | None:
    """The valley, or the median of the other suggestions where the curve has no valley.

    >>> suggested_rate(LRRange(suggestions={"steepest": 0.1, "minimum/10": 0.3, "x": 9.0}))
    0.3
    """
    if "valley" in curve.suggestions:
        return curve.suggestions["valley"]
    found = [rate for rate in curve.suggestions.values() if rate > 0 and math.isfinite(rate)]
    return median(found) if found else None


def killed_rate(case: Case) -> Killed | None:
    """The schedule's cut, where the rate is almost nothing by half of the planned training."""
    series = rate_series(case)
    planned = case.history.planned_steps if case.history is not None else None
    total = max(planned or 0, series.steps[-1] if series.steps else 0)
    largest = max((rate for rate in series.values if math.isfinite(rate)), default=0.0)
    if len(series) < t.LEARNING.fewest_steps or not largest > 0:
        return None
    peak = series.steps[series.values.index(largest)]
    pairs = list(zip(series.steps, series.values, strict=True))
    low = next((s for s, r in pairs if s > peak and r < t.RATE_KILLED * largest), None)
    if low is None or low > total / 2:
        return None
    middle = min(pairs, key=lambda pair: abs(pair[0] - total / 2))[1]
    return Killed(low, low / total, middle, largest) if middle < t.RATE_KILLED * largest else None


def too_high(curve: LRRange, rate: float) -> Evidence | None:
    """The margin to the rate at which the loss blows up, where it is small.

    A loss that blows up at the smallest rate of the test does so for another reason.
    """
    if curve.divergence is None or not _blows_up(curve):
        return None
    margin = curve.divergence / rate
    if margin >= t.RATE_HIGH:
        return None
    return below("rate of divergence over the configured", margin, t.RATE_HIGH)


def too_low(curve: LRRange, rate: float) -> Evidence | None:
    """The distance to the suggested rate, where it is large."""
    suggestion = suggested_rate(curve)
    if suggestion is None or suggestion / rate <= t.RATE_LOW:
        return None
    return above("suggested learning rate over the configured", suggestion / rate, t.RATE_LOW)


def rates_to_try(case: Case) -> tuple[float, ...]:
    """Other rates at which the same training may get farther; () where nothing speaks for it.

    The range test's own first, then tens of the configured one, for a training that is stuck up
    to where the test blows up; last a tenth of it, also for one that learns beyond that edge and
    leaves much to wish for.

    >>> rates_to_try(Case())
    ()
    """
    state, rate = state_of(case), configured_rate(case)
    unfinished = state.falling and not state.near_perfect
    curve = case.lr_range if case.lr_range is not None else LRRange()
    beyond = rate is not None and _past_the_edge(curve, rate) and wanting(state)
    if rate is None or state.progress is Progress.DIVERGED:
        return ()
    if not (state.poor or unfinished or beyond):
        return ()
    edge = curve.divergence if _blows_up(curve) else None
    highest = math.inf if edge is None else edge / t.RATE_HIGH
    suggested = suggested_rate(curve)
    wanted = [] if suggested is None else [suggested]
    wanted += [rate * 10**k for k in range(1, 5 if state.hurt else 2)]
    rising: list[float] = []
    for found in (min(value, highest) for value in wanted):
        if found >= 3 * rate and found > 2 * max(rising, default=0.0):
            rising.append(found)
    lower = [rate / 10] if state.poor or beyond else []
    return (*rising, *lower)


def trial_gain(case: Case) -> float | None:
    """What the other rate of the trial removes more, as a share of the constant's loss."""
    trial, state = case.trial, state_of(case)
    if trial is None or state.constant is None:
        return None
    width = abs(state.constant - state.floor) or abs(state.constant)
    return (trial.loss - trial.tried) / width if width > 0 else None


def helps(case: Case, other: RateTrialFacts) -> bool:
    """Whether another training, such as a longer one, ends markedly better on other rows."""
    state = state_of(case)
    width = abs((state.constant or 0.0) - state.floor)
    return width > 0 and (other.loss - other.tried) / width > t.TRIAL_GAIN


def trial_shortfall(case: Case) -> float:
    """How far the configured rate ends above a constant prediction, as a share of its loss."""
    trial, state = case.trial, state_of(case)
    if trial is None or state.constant is None:
        return 0.0
    width = abs(state.constant - state.floor) or abs(state.constant)
    return (trial.loss - state.constant) / width if width > 0 else 0.0


def proven_low(case: Case) -> bool:
    """Whether the same training at a larger rate ends markedly better on rows not trained on."""
    return case.trial is not None and case.trial.rate > case.trial.configured and _better(case)


def proven_high(case: Case) -> bool:
    """Whether it does so at a smaller rate."""
    return case.trial is not None and case.trial.rate < case.trial.configured and _better(case)


def _better(case: Case) -> bool:
    gain, trial = trial_gain(case), case.trial
    if gain is None or trial is None or gain <= t.TRIAL_GAIN:
        return False
    if gain - trial_shortfall(case) < t.LEARNING.begun:
        return False  # no better than a constant prediction either
    return not trial.tried > 0 or trial.loss > t.TRIAL_RATIO * trial.tried


def _blows_up(curve: LRRange) -> bool:
    """Whether the range test shows a rate that is too high, and not a loss that always breaks."""
    if curve.divergence is None or not curve.divergence > 0:
        return False
    return not (curve.learning_rates and curve.divergence <= 1.5 * min(curve.learning_rates))


def _past_the_edge(curve: LRRange, rate: float) -> bool:
    """Whether the test's loss has blown up below this rate."""
    margin = too_high(curve, rate)
    return margin is not None and margin.value <= 1


def asks_for_more(case: Case) -> bool:
    """Whether the range test finds the configured rate too low: nothing can be exploding then."""
    rate = configured_rate(case)
    curve = case.lr_range
    if rate is None or curve is None or too_high(curve, rate) is not None:
        return False
    return too_low(curve, rate) is not None


def without_low_rate(case: Case, explains: tuple[str, ...]) -> tuple[str, ...]:
    """What a cause of explosions explains: a rate that is too low is not among it."""
    return tuple(c for c in explains if c != "LRN101") if asks_for_more(case) else explains


def high_signs(case: Case, state: LearningState) -> Iterable[Evidence]:
    """What a rate that is too high does to a run."""
    if state.nonfinite_step is not None:
        yield fact("first step with a non-finite loss", state.nonfinite_step)
    if state.final is not None and state.initial and state.final > 1.2 * abs(state.initial):
        limit = t.Threshold(1.2, "here", "a loss that ends above its start")
        yield above("final loss over the initial", state.final / abs(state.initial), limit)
    losses = loss_series(case)
    moves = swing(losses.steps, losses.values)
    if moves > t.SWING:
        yield above("swing of the loss beyond its noise", moves, t.SWING)
    ratio = update_ratio(case, 0.9)
    if ratio is not None and ratio > t.UPDATE_HIGH:
        yield above("update-to-weight ratio, high tenth", ratio, t.UPDATE_HIGH)
    died = units_lost(case)
    if died > t.DEAD_RISE:
        yield above("rise of the share of silent units", died, t.DEAD_RISE)


def low_signs(case: Case, state: LearningState) -> Iterable[Evidence]:
    """What a rate that is too low does to a run."""
    ratio = update_ratio(case, 0.5)
    if ratio is not None and ratio < t.UPDATE_LOW:
        yield below("update-to-weight ratio", ratio, t.UPDATE_LOW)
    pace = state.pace or 0.0
    if state.complete and state.falling and pace > t.UNFINISHED:
        yield above("loss that one more training would remove", pace, t.UNFINISHED)


def units_lost(case: Case) -> float:
    """How much the share of silent units has risen since before the training, worst layer."""
    rises = [0.0]
    for layer in case.trace.layers if case.trace is not None else ():
        values = finite(layer[SILENT_SHARE].values)
        before = case.batch.layer(layer.name) if case.batch is not None else None
        start = before.silent_share if before is not None else None
        if values:
            rises.append(values[-1] - (values[0] if start is None else start))
    return max(rises)


def update_ratio(case: Case, q: float) -> float | None:
    """The q-quantile over the run of the update-to-weight ratio, median over the layers."""
    values = [
        quantile(layer[UPDATE_RATIO].values, q)
        for layer in deep_layers(case.trace)
        if layer.name in profile((layer,), UPDATE_RATIO).names
    ]
    return median(values) if values else None
