"""From draws to means, deviations, quantiles and entropies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from torchclinic.core import ModelError
from torchclinic.nn.checks import one_of

TASKS = ("classification", "binary", "probabilities", "regression")
CACHED = 2**20  # bytes of draws
Summary = dict[str, Tensor | None]
_SUM_TO_ONE = 1e-3
_TINY = 1e-30  # below it p log p is 0 in float32


def resolve_task(task: str, output: Tensor) -> str:
    """What the outputs mean.

    With "auto", outputs with two or more columns are class scores or, if they are not negative and
    sum to 1, probabilities; all others are regressions.

    Args:
        task: "auto" or one of `TASKS`.
        output: (N, C, ...) of a model in evaluation mode.

    Raises:
        UsageError: For another name.
        ModelError: If the outputs cannot be of that task.

    >>> resolve_task("auto", torch.tensor([[2.0, -1.0]])), resolve_task("auto", torch.zeros(3, 1))
    ('classification', 'regression')
    """
    one_of(task, ("auto", *TASKS), "task")
    columns = output.shape[1] if output.dim() > 1 else 1
    if task in ("classification", "probabilities") and columns < 2:
        raise ModelError(
            f"task is {task!r}, but the output has shape {tuple(output.shape)}",
            hint="classes are the columns; for a single score use 'binary'",
        )
    if task != "auto":
        return task
    if columns < 2 or not output.is_floating_point():
        return "regression"
    sums = bool(((output.sum(1) - 1.0).abs() < _SUM_TO_ONE).all())
    return "probabilities" if sums and bool((output >= 0).all()) else "classification"


def rows_to_summarise(draws: Tensor) -> int:
    """How many rows of draws (N, ..., S) to summarise at once: few enough for the cache of a CPU.

    >>> rows_to_summarise(torch.empty(1000, 10, 1000))
    26
    """
    if draws.device.type != "cpu":
        return len(draws)
    return max(1, CACHED // max(1, draws[0].numel() * draws.element_size()))


def summarise(draws: Tensor, task: str, levels: Sequence[float]) -> Summary:
    """Statistics over the last dimension of draws.

    **Shape**: draws (N, ..., S) -> mean, std (N, ...), quantiles (Q, N, ...), and for classes
    entropy and mutual information without dimension 1.

    Args:
        draws: Outputs, contiguous.
        task: One of `TASKS`.
        levels: Of the quantiles.

    >>> found = summarise(torch.tensor([[[0.0, 0.0]], [[1.0, 3.0]]]), "regression", (0.5,))
    >>> found["mean"].flatten().tolist(), found["quantiles"].flatten().tolist()
    ([0.0, 2.0], [0.0, 2.0])
    """
    values, entropies = _as_probabilities(draws, task)
    mean = values.mean(-1)
    entropy = information = None
    if entropies is not None:
        entropy = _entropy(mean, task)
        information = (entropy - entropies.mean(-1)).clamp(min=0.0)
    return {
        "mean": mean,
        "std": _std(values, mean),
        "quantiles": quantiles_of(values, levels),
        "entropy": entropy,
        "mutual_information": information,
    }


def quantiles_of(values: Tensor, levels: Sequence[float]) -> Tensor:
    """Quantiles over the last dimension, with linear interpolation.

    As `torch.quantile`, without its limit of 16 million elements and on the CPU many times faster
    (numpy's sort is vectorised).

    **Shape**: (..., S) -> (len(levels), ...).

    >>> quantiles_of(torch.tensor([4.0, 1.0, 2.0, 3.0]), (0.0, 0.5)).tolist()
    [1.0, 2.5]
    """
    if values.device.type == "cpu":
        ordered = torch.from_numpy(np.sort(values.numpy(), axis=-1))
    else:
        ordered = values.sort(-1).values
    last = values.shape[-1] - 1
    found = []
    for level in levels:
        below = min(int(level * last), last)
        above = min(below + 1, last)
        found.append(ordered[..., below].lerp(ordered[..., above], level * last - below))
    return torch.stack(found)


def _as_probabilities(draws: Tensor, task: str) -> tuple[Tensor, Tensor | None]:
    """Values to be summarised, and for classes the entropy of each draw."""
    if task == "regression":
        return draws, None
    if task == "classification":
        log = draws.log_softmax(1)
        values = log.exp()
        return values, -(values * log.clamp(min=-100.0)).sum(1)
    values = draws.sigmoid() if task == "binary" else draws
    return values, _entropy(values, task)


def _entropy(values: Tensor, task: str) -> Tensor:
    own = -values * values.clamp(min=_TINY).log()
    if task != "binary":
        return own.sum(1)
    rest = 1.0 - values
    return own - rest * rest.clamp(min=_TINY).log()


def _std(values: Tensor, mean: Tensor) -> Tensor:
    count = values.shape[-1]
    return ((values - mean.unsqueeze(-1)).square().sum(-1) / max(1, count - 1)).sqrt()
