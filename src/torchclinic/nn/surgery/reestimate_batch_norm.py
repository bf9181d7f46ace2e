"""Batch norm's running statistics measured anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core import DataError, SurgeryError, UsageError

_Norm = Any
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def reestimate_batch_norm(
    model: nn.Module,
    batches: Iterable[Any],
    *,
    forward: Callable[[nn.Module, Any], Any] | None = None,
) -> int:
    r"""Replace the running statistics of a model's batch norms by plain means over batches.

    $\mu = \frac{1}{B} \sum_b \mu_b$, $\sigma^2 = \frac{1}{B} \sum_b \sigma_b^2$

    For weights that were averaged or changed after the training, and where a momentum average over
    the last batches is too noisy. Only batch norms are in training mode meanwhile, so that dropout
    stays off; `torch.optim.swa_utils.update_bn` leaves it on. Modes and momentum are afterwards
    what they were; if anything goes wrong the statistics are too.

    Args:
        model: With batch norms that keep running statistics.
        batches: Of the training data, all of about the same size, since each counts the same. Of a
            tuple or list the first element goes into the model.
        forward: Called with model and batch where that is not how the model is called.

    Returns:
        Number of batches.

    Raises:
        SurgeryError: If the model has no such norm.
        DataError: Without batches.
        UsageError: For a batch that is a mapping, without `forward`.

    Source: Izmailov et al. 2018, section 3.2, arXiv 1803.05407; Wu and Johnson 2021, "Rethinking
    Batch in BatchNorm", section 3, arXiv 2105.07576.

    >>> norm = nn.BatchNorm1d(1)
    >>> reestimate_batch_norm(norm, [torch.tensor([[0.0], [2.0]]), torch.tensor([[4.0], [6.0]])])
    2
    >>> norm.running_mean.item(), norm.running_var.item()
    (3.0, 2.0)
    """
    norms = [module for module in model.modules() if _keeps_statistics(module)]
    if not norms:
        raise SurgeryError(f"{type(model).__name__} has no batch norm with running statistics")
    count = 0
    with plain_means(model, norms), torch.no_grad():
        for batch in batches:
            (forward or _forward)(model, batch)
            count += 1
        if not count:
            raise DataError("there are no batches", hint="give at least one")
    return count


@contextmanager
def plain_means(model: nn.Module, norms: Sequence[_Norm]) -> Iterator[None]:
    """Within it a model is in evaluation, but for these norms: each batch counts the same to them.

    They begin anew. Modes and momenta are afterwards what they were; after an exception the
    statistics are too.
    """
    modes = {module: module.training for module in model.modules()}
    momenta = [norm.momentum for norm in norms]
    before = [[getattr(norm, name).clone() for name in _STATISTICS] for norm in norms]
    try:
        model.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
            norm.training = True
        yield
    except BaseException:
        for norm, values in zip(norms, before, strict=True):
            for name, value in zip(_STATISTICS, values, strict=True):
                getattr(norm, name).copy_(value)
        raise
    finally:
        for module, training in modes.items():
            module.training = training
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def _keeps_statistics(module: nn.Module) -> bool:
    norm: Any = module
    return isinstance(module, nn.modules.batchnorm._BatchNorm) and norm.running_mean is not None


def _forward(model: nn.Module, batch: Any) -> None:
    if isinstance(batch, Mapping):
        raise UsageError(
            f"a batch is a mapping of {', '.join(map(str, batch))}",
            hint="say how the model takes it: forward=lambda model, batch: model(batch['x'])",
        )
    inputs: Tensor = batch[0] if isinstance(batch, tuple | list) else batch
    model(inputs)
