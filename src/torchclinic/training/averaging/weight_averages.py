"""Averages of a model's weights along its training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn, get_swa_multi_avg_fn

from torchclinic.core import Averaging

_TOO_COARSE = (torch.float16, torch.bfloat16)  # an average in them would lose small changes


class WeightAverages:
    r"""Exponential moving average or plain mean of the weights after each update.

    EMA: $\bar w_1 = w_1$, $\bar w_t = \beta \bar w_{t-1} + (1 - \beta) w_t$.
    SWA: $\bar w_n = \frac1n \sum_{i \le n} w_i$.

    Buffers are not averaged: those of the moment are used with the averaged weights. Weights in
    half precision are averaged in single.

    Args:
        model: In training; it is changed only inside `applied` and by `install`.
        averaging: The kind and its decay.
        first: Updates that are left out at the beginning.
        every: Only the weights after each so many updates enter.

    Attributes:
        count: How many weights have entered.

    Source: Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima", arXiv 1803.05407;
    Polyak and Juditsky 1992, doi 10.1137/0330046. The arithmetic is `torch.optim.swa_utils`.

    >>> net = nn.Linear(1, 1, bias=False)
    >>> averages = WeightAverages(net, Averaging("swa"))
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = nn.init.constant_(net.weight, value)
    ...     averages.update()
    >>> with averages.applied():
    ...     print(net.weight.item())
    3.0
    >>> net.weight.item()
    6.0
    """

    def __init__(
        self, model: nn.Module, averaging: Averaging, *, first: int = 0, every: int = 1
    ) -> None:
        self._model = model
        self._first, self._every = first, every
        ema = averaging.kind == "ema"
        self._enter = get_ema_multi_avg_fn(averaging.decay) if ema else get_swa_multi_avg_fn()
        self._updates = 0
        self._averages: list[Tensor] = []
        self.count = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take note of an update; call it after each `optimizer.step()`."""
        self._updates += 1
        if self._updates <= self._first or self._updates % self._every:
            return
        current = [_fine(parameter) for parameter in self._model.parameters()]
        if not self.count:
            self._averages = [tensor.clone() for tensor in current]
        else:
            self._enter(self._averages, current, self.count)
        self.count += 1

    @contextmanager
    def applied(self, prepare: Callable[[], object] | None = None) -> Iterator[None]:
        """Inside, the model has the averaged weights; afterwards all is bitwise as before.

        Args:
            prepare: Called first inside, to measure buffers anew.
        """
        if not self.count:
            yield
            return
        held = [*self._model.parameters(), *self._model.buffers()]
        before = [tensor.detach().clone() for tensor in held]
        try:
            self.install()
            if prepare is not None:
                prepare()
            yield
        finally:
            _copy(before, held)

    def install(self) -> None:
        """Give the model the averaged weights for good, if there are any."""
        if self.count:
            _copy(self._averages, list(self._model.parameters()))

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"updates": self._updates, "count": self.count, "averages": self._averages}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._updates, self.count = state["updates"], state["count"]
        places = [parameter.device for parameter in self._model.parameters()]
        averages = state["averages"]
        self._averages = [t.to(d) for t, d in zip(averages, places, strict=bool(averages))]


def _fine(parameter: Tensor) -> Tensor:
    tensor = parameter.detach()
    return tensor.float() if tensor.dtype in _TOO_COARSE else tensor


@torch.no_grad()
def _copy(sources: list[Tensor], targets: list[Tensor]) -> None:
    for source, target in zip(sources, targets, strict=True):
        target.data.copy_(source)
