"""Facts about inputs, targets and outputs."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Literal

import torch
from torch import Tensor

from torchclinic.core.facts import InputFacts, LossKind, OutputFacts, TargetFacts

ROW_SUM_TOLERANCE = 1e-4
HALF_ROW_SUM_TOLERANCE = 2e-2  # of values with 8 to 11 bits
SMALLEST_PICTURE = 4  # pixels on a side; below, three dimensions are steps and features
CHANNELS = (1, 3, 4)  # grey, RGB, RGBA
SHIFT_CHANCE = 1e-4  # that one of the channels of two like parts is called shifted
MOST_CLASSES = 10_000  # more distinct whole numbers are no classes


def input_facts(inputs: Tensor | None, validation: Tensor | None = None) -> InputFacts:
    """Statistics of the inputs; the shift against validation inputs where there are some.

    >>> input_facts(torch.tensor([[1.0, 5.0], [3.0, 5.0]])).channel_means
    (2.0, 5.0)
    """
    if inputs is None or inputs.is_complex():
        return InputFacts(kind="other")
    shape, rows = tuple(inputs.shape), inputs.shape[0] if inputs.dim() else 0
    pixels = inputs.dtype == torch.uint8 and inputs.dim() > 2
    if not inputs.is_floating_point() and not pixels:
        return InputFacts(kind="tokens", shape=shape, rows=rows)
    channels = _channels(inputs)
    finite = channels.isfinite()
    values = torch.where(finite, channels, torch.zeros(()))
    count = finite.sum(1).clamp(min=1)
    means = values.sum(1) / count
    deviations = torch.where(finite, channels - means[:, None], torch.zeros(()))
    constant = values.amax(1) == values.amin(1)
    stds = (deviations.square().sum(1) / count).sqrt().masked_fill(constant, 0.0)
    known = channels[finite]
    shift, ratio = _shift(inputs, validation)
    return InputFacts(
        kind=_kind(shape),
        shape=shape,
        rows=rows,
        mean=_number(known, torch.mean),
        std=_number(known, _std),
        minimum=_number(known, torch.min),
        maximum=_number(known, torch.max),
        channel_means=tuple(means.tolist()),
        channel_stds=tuple(stds.tolist()),
        constant_channels=int(constant.sum()),
        nonfinite=int((~finite).sum()),
        shift=shift,
        scale_ratio=ratio,
    )


def target_facts(targets: Tensor | None, kind: LossKind, ignored: int | None = None) -> TargetFacts:
    """Statistics of the targets, and whether they are classes, 0/1, one-hot rows or numbers.

    Args:
        targets: The targets.
        kind: Kind of the loss that they enter.
        ignored: Class number that stands for "no target" and is left out.

    >>> target_facts(torch.tensor([0, 1, 1, -100]), "cross-entropy", -100).class_counts
    {0: 1, 1: 2}
    """
    if targets is None or targets.numel() == 0:
        return TargetFacts(kind="none")
    shape = tuple(targets.shape)
    if ignored is not None and not targets.is_floating_point():
        targets = targets[targets != ignored]
    values = targets.detach().double().flatten()
    finite = values[values.isfinite()]
    what = _target_kind(targets, kind)
    return TargetFacts(
        kind=what,
        shape=shape,
        dtype=str(targets.dtype).removeprefix("torch."),
        minimum=_number(finite, torch.min),
        maximum=_number(finite, torch.max),
        mean=_number(finite, torch.mean),
        std=_number(finite, _std),
        class_counts=_counts(targets, what),
        nonfinite=int(values.numel() - finite.numel()),
        off_one=_off_one(targets),
    )


def output_facts(output: Tensor | None, *, broadcasts: bool = False) -> OutputFacts | None:
    """Statistics of the tensor that enters the loss; None when it is not known.

    Args:
        output: That tensor.
        broadcasts: Whether the loss spreads it over the target or the target over it.
    """
    if output is None or output.numel() == 0 or output.is_complex():
        return None
    values = output.detach().float()
    finite = values[values.isfinite()]
    matrix = values.reshape(values.shape[0], -1) if values.dim() > 1 else values.reshape(-1, 1)
    classes = values.movedim(1, -1) if values.dim() > 2 else matrix
    several = classes.shape[-1] > 1
    sums = classes.sum(-1)
    tolerance = ROW_SUM_TOLERANCE if output.dtype.itemsize >= 4 else HALF_ROW_SUM_TOLERANCE
    near_one = bool((sums - 1).abs().max() <= tolerance)
    log_sums = classes.logsumexp(-1)
    return OutputFacts(
        shape=tuple(output.shape),
        minimum=_number(finite, torch.min),
        maximum=_number(finite, torch.max),
        mean=_number(finite, torch.mean),
        std=_number(finite, _std),
        nonfinite=int(values.numel() - finite.numel()),
        rows_sum_to_one=several and bool((classes >= 0).all()) and near_one,
        in_unit_interval=bool(((values >= 0) & (values <= 1)).all()),
        log_probabilities=several and bool(log_sums.abs().max() <= tolerance),
        varies=matrix.shape[0] < 2 or bool((matrix != matrix[:1]).any()),
        broadcasts=broadcasts,
    )


def shapes_broadcast(output: Tensor, target: Tensor | None) -> bool:
    """Whether an elementwise loss would silently spread one of the two over the other.

    >>> shapes_broadcast(torch.zeros(8, 1), torch.zeros(8))
    True
    """
    if target is None or not target.is_floating_point() or output.shape == target.shape:
        return False
    try:
        return torch.broadcast_shapes(output.shape, target.shape) is not None
    except RuntimeError:
        return False


def _channels(inputs: Tensor) -> Tensor:
    """(channels, values): channels of an image, features of a table or sequence."""
    values = inputs.detach().float()
    if values.dim() <= 1:
        return values.reshape(1, -1)
    if _kind(tuple(values.shape)) != "image":
        axis = -1
    elif values.dim() == 3:
        return values.reshape(1, -1)
    else:
        axis = -1 if _channels_last(tuple(values.shape)) else 1
    return values.movedim(axis, 0).reshape(values.shape[axis], -1)


def _kind(shape: tuple[int, ...]) -> Literal["real", "image", "sequence"]:
    """What a tensor of that shape is: three dimensions are grey pictures where they are square."""
    if len(shape) == 4 or (len(shape) == 3 and shape[1] == shape[2] > SMALLEST_PICTURE):
        return "image"
    return "sequence" if len(shape) == 3 else "real"


def _channels_last(shape: tuple[int, ...]) -> bool:
    return shape[-1] in CHANNELS and shape[1] not in CHANNELS


def _shift(train: Tensor, validation: Tensor | None) -> tuple[float | None, float | None]:
    """Largest standardised difference of a channel's means that is beyond chance; ratio of stds.

    A channel's mean is taken row by row, as the pixels of one picture are no independent draws.
    Chance ends at the two-sided normal quantile for 1e-4 over the number of channels, times the
    standard error of a difference of means. That error is of the rows of both parts together,
    weighted alike, as a training part of few rows may not know how much a channel varies.
    """
    if validation is None or not validation.is_floating_point():
        return None, None
    ours, theirs = _channels(train), _channels(validation)
    if theirs.shape[0] != ours.shape[0] or theirs.shape[1] < 2:
        return None, None
    if not (bool(ours.isfinite().all()) and bool(theirs.isfinite().all())):
        return None, None
    overall = float(ours.std())
    ratio = float(theirs.std()) / overall if overall > 0 else None
    known = ours.std(1) > 1e-3 * max(overall, 1e-12)
    if not bool(known.any()) or min(len(train), len(validation)) < 2:
        return None, ratio
    one, other = _row_means(ours, train)[known], _row_means(theirs, validation)[known]
    quantile = NormalDist().inv_cdf(1 - SHIFT_CHANCE / 2 / len(one))
    together = (one.var(1) + other.var(1)) / 2 + ((one.mean(1) - other.mean(1)) / 2).square()
    error = (together * (1 / one.shape[1] + 1 / other.shape[1])).sqrt()
    gaps = (one.mean(1) - other.mean(1)).abs()
    beyond = torch.where(gaps > quantile * error, gaps / ours.std(1)[known], 0.0)
    return float(beyond.max()), ratio


def _row_means(channels: Tensor, inputs: Tensor) -> Tensor:
    """Mean of each channel in each row: shape (channels, rows)."""
    rows = len(inputs) if inputs.dim() > 1 else inputs.numel()
    return channels.reshape(channels.shape[0], rows, -1).mean(2)


def _target_kind(
    targets: Tensor, kind: LossKind
) -> Literal["classes", "binary", "real", "one-hot"]:
    if not targets.is_floating_point():
        whole = targets.to(torch.int64)
        binary = kind in ("bce", "bce-with-logits") and bool(((whole == 0) | (whole == 1)).all())
        return "binary" if binary else "classes"
    zero_one = bool(((targets == 0) | (targets == 1)).all())
    if zero_one and targets.dim() == 2 and targets.shape[1] > 1:
        rows = targets.sum(1)
        if bool((rows == 1).all()):
            return "one-hot"
    if zero_one and (kind in ("bce", "bce-with-logits") or targets.unique().numel() == 2):
        return "binary"
    return "real"


def _counts(targets: Tensor, kind: str) -> dict[int, int]:
    if kind == "real":
        return {}
    classes = targets.argmax(1) if kind == "one-hot" else targets.flatten()
    values, counts = classes.to(torch.int64).unique(return_counts=True)
    if values.numel() > MOST_CLASSES:
        return {}
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _off_one(targets: Tensor) -> float | None:
    """Share of the rows of several values in [0, 1] whose sum is not 1."""
    if targets.dim() < 2 or targets.shape[1] < 2 or targets.is_complex():
        return None
    rows = targets.detach().float().movedim(1, -1)
    if not bool(((rows >= 0) & (rows <= 1)).all()):
        return None
    return float(((rows.sum(-1) - 1).abs() > HALF_ROW_SUM_TOLERANCE).float().mean())


def _std(values: Tensor) -> Tensor:
    return values.std(correction=0)


def _number(values: Tensor, statistic: Callable[[Tensor], Tensor]) -> float | None:
    return float(statistic(values)) if values.numel() else None
