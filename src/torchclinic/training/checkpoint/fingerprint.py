"""By what a checkpoint knows its own recipe."""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from torchclinic.core import CheckpointError, Recipe, Schedule
from torchclinic.training.checkpoint.pack import raw_bytes
from torchclinic.training.loss_kind import loss_name, loss_option
from torchclinic.training.metrics import resolve_metric

_CALLABLE_OR_DATA = {"model", "data", "loss", "step", "optimizer", "schedule", "metric"}
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of a function: another one in each process
_LABELS = {"name", "changes"}


def fingerprint(
    recipe: Recipe, seed: int, model: nn.Module, optimizer: Optimizer, rows: int | None
) -> dict[str, str]:
    """What decides the numbers of a run, as words: recipe, seed, first weights, optimizer, data.

    Functions are known by name only (and partial ones and frozen dataclasses by their options); the
    first weights stand for the model factory.

    Args:
        recipe: Of the run.
        seed: Of the run.
        model: As built, before the first update.
        optimizer: As built.
        rows: Of the training data.
    """
    plain = {f.name for f in dataclasses.fields(recipe)} - _CALLABLE_OR_DATA - _LABELS
    facts = {name: repr(getattr(recipe, name)) for name in sorted(plain)}
    metric = resolve_metric(recipe)
    schedule = recipe.schedule
    facts |= {
        "seed": str(seed),
        "rows": str(rows),
        "loss": f"{loss_name(recipe.loss)} {loss_option(recipe.loss, 'reduction', '')}".strip(),
        "metric": "None" if metric is None else metric.name,
        "optimizer": f"{type(optimizer).__name__} {_options(optimizer)}",
        "schedule": _schedule(schedule),
        "model": f"{type(model).__name__} {weights_checksum(model):08x}",
    }
    return facts


def check_fingerprint(found: Mapping[str, str], wanted: Mapping[str, str], path: Path) -> None:
    """Insist that a checkpoint belongs to this run.

    Raises:
        CheckpointError: If it does not; it names the first difference.
    """
    for name in wanted:
        if found.get(name) != wanted[name]:
            raise CheckpointError(
                f"the checkpoint {path} belongs to another run: its {name} is {found.get(name)}, "
                f"here it is {wanted[name]}",
                hint="give another path, or delete it to start from the beginning",
            )


def weights_checksum(model: nn.Module) -> int:
    """CRC-32 over names, types and bytes of all parameters and buffers.

    >>> layer = nn.Linear(1, 1)
    >>> before = weights_checksum(layer)
    >>> _ = nn.init.constant_(layer.bias, 7.0)
    >>> weights_checksum(layer) == before
    False
    """
    total = 0
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        total = zlib.crc32(f"{name} {tensor.dtype}".encode(), total)
        if not is_lazy(tensor):
            total = zlib.crc32(raw_bytes(tensor.detach().cpu()), total)
    return total


def _options(optimizer: Optimizer) -> str:
    groups = [
        {
            key: value
            for key, value in group.items()
            if isinstance(value, bool | int | float | tuple)
        }
        for group in optimizer.param_groups
    ]
    return "; ".join(str(sorted(group.items())) for group in groups)


def _schedule(schedule: Any) -> str:
    if not isinstance(schedule, Schedule):
        return _callable(schedule)
    return f"{schedule.name} {schedule.per} {_callable(schedule.factory)}"


def _callable(factory: Any) -> str:
    """A factory by its name, and by its options where it shows them."""
    if isinstance(factory, partial):
        options = f"{factory.args} {sorted(factory.keywords.items())}"
        return f"{_callable(factory.func)} {_ADDRESS.sub('', options)}"
    if dataclasses.is_dataclass(factory) and not isinstance(factory, type):
        return _ADDRESS.sub("", repr(factory))
    return "None" if factory is None else getattr(factory, "__qualname__", type(factory).__name__)
