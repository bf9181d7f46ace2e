"""WatchOptions: how to watch, without what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from torchclinic.core.errors import UsageError
from torchclinic.probes.registry import select_probes
from torchclinic.watch.selection import Globs

if TYPE_CHECKING:
    from torchclinic.watch.watcher import Watch

_FEWEST = 4


@dataclass(frozen=True)
class WatchOptions:
    """How to watch a training.

    Attributes:
        budget: Share of the training's time that watching may cost.
        every: Read every so many steps, whatever it costs; None to keep to the budget.
        layers: Globs over layer names, one string with commas or several; ! takes out again.
        statistics: "all", "cheap", or names of statistics.
        loss: Name of the loss, for the record.
        max_readings: Most readings kept of one series.

    >>> WatchOptions(every=10).every
    10
    """

    budget: float = 0.03
    every: int | None = None
    layers: str | Sequence[str] = "*"
    statistics: str | Sequence[str] = "all"
    loss: str | None = None
    max_readings: int = 2000

    def __post_init__(self) -> None:
        if not 0 < self.budget <= 1:
            raise UsageError(
                f"budget={self.budget!r} is no share of the training's time",
                hint="use more than 0 and at most 1, such as 0.03",
            )
        if self.every is not None and self.every < 1:
            raise UsageError(f"every={self.every!r} is no distance in steps", hint="use 1 or more")
        if self.max_readings < _FEWEST:
            raise UsageError(
                f"max_readings={self.max_readings!r} keeps too little",
                hint=f"use {_FEWEST} or more",
            )
        Globs.of(self.layers)
        select_probes(self.statistics)

    def start(self, model: nn.Module, optimizer: Any = None) -> Watch:
        """Begin to watch; end with `stop()` or by leaving a with block.

        Args:
            model: The model that is trained.
            optimizer: What updates it; see `watch`.

        Returns:
            A watch that has been started.
        """
        from torchclinic.watch.watcher import Watch

        return Watch(model, optimizer, self).start()
