"""LearningState: does this training learn? The one notion of impact that all rules share."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from torchclinic.core.facts import Case
from torchclinic.core.trace import Series
from torchclinic.functional.curves import loss_series
from torchclinic.functional.noise import step_noise
from torchclinic.functional.progress import (
    LIMITS,
    CurveFacts,
    LearningLimits,
    Progress,
    classify,
)
from torchclinic.functional.robust import median, median_of_means
from torchclinic.functional.scale import LossScale, initial_level, loss_scale
from torchclinic.functional.skill import metric_skill
from torchclinic.functional.slope import Slope, theil_sen
from torchclinic.functional.smoothing import Block, blocks

_FEWEST_SLOPE_POINTS = 6  # Sen's interval at 95 % is bounded from six points on


@dataclass(frozen=True)
class LearningState:
    """How a training goes, judged on the loss that it has removed.

    Attributes:
        progress: In one word.
        steps: Last optimizer step seen.
        complete: Whether the whole planned training was seen (True when the plan is not known).
        initial: Loss at the start.
        final: Level of the training loss at the end.
        best: Lowest level of any stretch of the curve.
        constant: Loss of the best constant prediction, or the initial loss where it is unknown.
        constant_known: Whether `constant` is the former.
        floor: Smallest loss that the output allows.
        removed: (constant - final) / (constant - floor); negative when worse than the constant.
        pace: What the present slope would remove of that scale over one more full training.
        slope: Of the level over the second half, per step.
        falling: Whether the slope is below 0 with confidence and `pace` is worth mentioning.
        noise: Standard deviation from step to step, relative to the final level.
        nonfinite_step: First step whose loss is NaN or infinite, None without one.
        recovered: Whether the losses after it became finite again.
        skill: Rescaled metric (training part if evaluated, else validation), None if unknown.
        near_perfect: Whether skill or removed loss leave nothing to wish for.
        train_loss: Last evaluated training loss, or `final`.
        validation_loss: Last validation loss, or None.
        validation_removed: As `removed`, of the validation loss.
    """

    progress: Progress = Progress.UNKNOWN
    steps: int = 0
    complete: bool = True
    initial: float | None = None
    final: float | None = None
    best: float | None = None
    constant: float | None = None
    constant_known: bool = False
    floor: float = 0.0
    removed: float | None = None
    pace: float | None = None
    slope: Slope | None = None
    falling: bool = False
    noise: float | None = None
    nonfinite_step: int | None = None
    recovered: bool = False
    skill: float | None = None
    near_perfect: bool = False
    train_loss: float | None = None
    validation_loss: float | None = None
    validation_removed: float | None = None

    @property
    def known(self) -> bool:
        """Whether there was a run long enough to judge."""
        return self.progress is not Progress.UNKNOWN

    @property
    def hurt(self) -> bool:
        """It is seen not to learn."""
        return self.progress.hurt

    @property
    def poor(self) -> bool:
        """It is seen to learn less than it should."""
        return self.progress.poor

    @property
    def fine(self) -> bool:
        """It is seen to learn."""
        return self.progress.fine


def learning_state(case: Case, limits: LearningLimits = LIMITS) -> LearningState:
    r"""Judge a training by the share of the constant prediction's loss that it removes.

    $r = (L_{const} - L_{final}) / (L_{const} - L_{floor})$, with the final level a median of means
    over the last tenth, and a Theil-Sen slope with its interval over the second half.

    Args:
        case: Needs `history` or `trace`; `batch` supplies the constant prediction's loss.
        limits: Where the words begin.

    Returns:
        A state whose `progress` is UNKNOWN when there is no run to judge.

    Source: the shares are calibrated on this project's healthy and faulty trainings; the constant
        prediction as yardstick is the "input-independent baseline" of Karpathy 2019.

    >>> from torchclinic.core import History
    >>> falls = tuple(2.3 * 0.97**k for k in range(100))
    >>> state = learning_state(Case(history=History(losses=falls)))
    >>> state.progress.value, round(state.removed, 2)
    ('good', 0.94)
    """
    series = loss_series(case)
    kept = _finite(series)
    bad = next((s for s, v in zip(series.steps, series.values, strict=True) if _wild(v)), None)
    recovered = bad is not None and bool(series.values) and not _wild(series.values[-1])
    lost = (bad is not None and not recovered) or _ended_lost(case)
    if len(kept) < limits.fewest_steps:
        return LearningState(
            progress=Progress.DIVERGED if lost else Progress.UNKNOWN,
            steps=series.steps[-1] if series.steps else 0,
            nonfinite_step=bad,
            recovered=recovered,
        )
    state = _levels(case, kept, series.steps[-1], limits)
    answers_well = state.skill is not None and state.skill >= limits.skill
    lost = lost or (_diverged(state, limits) and not answers_well)
    curve = CurveFacts(
        _share_learnt(state),
        state.falling,
        state.complete,
        state.skill,
        lost,
        state.constant_known,
    )
    best = max(curve.removed, state.skill if state.skill is not None else curve.removed)
    return replace(
        state,
        progress=Progress.UNKNOWN if _senseless(case, state) else classify(curve, limits),
        nonfinite_step=bad,
        recovered=recovered,
        near_perfect=best >= limits.perfect,
    )


def _share_learnt(state: LearningState) -> float:
    """Share removed, or the metric where the loss has no yardstick or is below every floor."""
    removed = state.removed if state.removed is not None else 0.0
    adrift = not state.constant_known or (state.final is not None and state.final < 0)
    return min(removed, state.skill) if adrift and state.skill is not None else removed


def _senseless(case: Case, state: LearningState) -> bool:
    """A loss below zero where its kind cannot be: nothing follows from it but that it is broken."""
    kind = case.recipe.loss_kind if case.recipe is not None else "custom"
    return state.final is not None and state.final < 0 and kind != "custom"


def _levels(case: Case, kept: Series, steps: int, limits: LearningLimits) -> LearningState:
    """Everything that can be read off the finite part of the curve, without the verdict."""
    parts = blocks(kept.steps, kept.values)
    initial = _start(case, kept.values)
    scale = loss_scale(case, initial)
    final = median_of_means(kept.values[-_tail(case, len(kept)) :])
    train, validation = _evaluated(case, "train"), _evaluated(case, "validation")
    removed = scale.removed(final if train is None else min(final, train))
    slope = _late_slope(parts)
    pace = _pace(case, slope, scale, steps)
    skill = _skill(case)
    return LearningState(
        steps=steps,
        complete=_complete(case, steps, limits),
        initial=initial,
        final=final,
        best=min(part.level for part in parts),
        constant=scale.constant,
        constant_known=scale.known,
        floor=scale.floor,
        removed=removed,
        pace=pace,
        slope=slope,
        falling=slope is not None and slope.falls and pace >= limits.pace,
        noise=step_noise(kept.values) / abs(final) if final else None,
        skill=skill,
        train_loss=final if train is None else train,
        validation_loss=validation,
        validation_removed=None if validation is None else scale.removed(validation),
    )


def _ended_lost(case: Case) -> bool:
    return case.history is not None and case.history.ending == "diverged"


def _wild(value: float) -> bool:
    return not math.isfinite(value)


def _finite(series: Series) -> Series:
    pairs = [(s, v) for s, v in zip(series.steps, series.values, strict=True) if not _wild(v)]
    return Series(tuple(s for s, _ in pairs), tuple(v for _, v in pairs))


def _start(case: Case, values: tuple[float, ...]) -> float:
    """Loss of the untrained model, else of the first few steps, where they do not raise it."""
    first = initial_level(case)
    if first is not None:
        return first
    return min(values[0], median(values[: max(1, min(10, len(values) // 20))]))


def _tail(case: Case, count: int) -> int:
    """Steps that make the final level: a tenth, but a whole epoch where there are several."""
    tail = max(5, count // 10)
    epoch = case.history.steps_per_epoch if case.history is not None else None
    return max(tail, epoch) if epoch is not None and epoch * 4 <= count else tail


def _late_slope(parts: tuple[Block, ...]) -> Slope | None:
    late = parts[-max(_FEWEST_SLOPE_POINTS, len(parts) // 2) :]
    return theil_sen([part.centre for part in late], [part.level for part in late])


def _pace(case: Case, slope: Slope | None, scale: LossScale, steps: int) -> float:
    if slope is None or not scale.width > 0 or not math.isfinite(slope.value):
        return 0.0
    planned = case.history.planned_steps if case.history is not None else None
    return -slope.value * max(planned or 0, steps) / scale.width


def _complete(case: Case, steps: int, limits: LearningLimits) -> bool:
    planned = case.history.planned_steps if case.history is not None else None
    return planned is None or steps >= limits.complete * planned


def _evaluated(case: Case, split: str) -> float | None:
    if case.history is None:
        return None
    last = case.history.last("train" if split == "train" else "validation")
    return last.loss if last is not None and math.isfinite(last.loss) else None


def _skill(case: Case) -> float | None:
    train = metric_skill(case, "train")
    return train if train is not None else metric_skill(case, "validation")


def _diverged(state: LearningState, limits: LearningLimits) -> bool:
    """Whether the curve ends far above its best, or far above its start and the constant."""
    final, best, constant = state.final, state.best, state.constant
    if final is None or best is None or constant is None:
        return False
    width = abs(constant - state.floor)
    rose = best > 0 and final > max(limits.rise * best, best + limits.rise_share * width)
    ceiling = max(state.initial or constant, constant)
    return rose or (ceiling > 0 and final > limits.blown * ceiling)
