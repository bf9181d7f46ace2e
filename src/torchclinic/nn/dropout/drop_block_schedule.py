"""The schedule of DropBlock: first nothing is dropped, then more and more."""

from __future__ import annotations

from torch import nn

from torchclinic.core import SurgeryError, UsageError
from torchclinic.nn.checks import at_least, probability
from torchclinic.nn.dropout.drop_block import DropBlock1d, DropBlock2d, DropBlock3d

DropBlock = DropBlock1d | DropBlock2d | DropBlock3d


class DropBlockSchedule:
    r"""Raises the rate of a model's DropBlock modules linearly over the training.

    $p_t = p_0 + (p - p_0) \min(1, t / T)$, each module to the rate p that it was built with

    Call `step()` once an optimizer update. The rates begin at `start` as soon as the schedule is
    made.

    Args:
        model: With DropBlock modules.
        steps: Number of updates T until the full rates.
        start: Rate at the beginning.

    Raises:
        UsageError: For a rate outside [0, 1] or fewer than 1 steps.
        SurgeryError: If the model has no DropBlock.

    Source: Ghiasi, Lin and Le 2018, section 3 ("Scheduled DropBlock"), arXiv 1810.12890.

    >>> layer = DropBlock2d(0.2)
    >>> schedule = DropBlockSchedule(layer, steps=4)
    >>> [schedule.step() or layer.p for _ in range(5)]
    [0.05, 0.1, 0.15000000000000002, 0.2, 0.2]
    """

    def __init__(self, model: nn.Module, steps: int, start: float = 0.0) -> None:
        self._modules = [module for module in model.modules() if isinstance(module, DropBlock)]
        if not self._modules:
            raise SurgeryError(
                f"{type(model).__name__} has no DropBlock", hint="put some behind convolutions"
            )
        self._steps = at_least(steps, 1, "steps")
        self._start = probability(start, "start")
        self._targets = [module.p for module in self._modules]
        self._done = 0
        self._apply()

    def step(self) -> None:
        """Count one update and set the rates."""
        self._done += 1
        self._apply()

    def state_dict(self) -> dict[str, int | list[float]]:
        """How far it is, and the rates that it goes to."""
        return {"done": self._done, "targets": list(self._targets)}

    def load_state_dict(self, state: dict[str, int | list[float]]) -> None:
        """Go on from a state.

        Raises:
            UsageError: If it is of a model with another number of DropBlock modules.
        """
        done, targets = state["done"], state["targets"]
        if not isinstance(done, int) or not isinstance(targets, list):
            raise UsageError(f"a DropBlock schedule's state is {state!r}")
        if len(targets) != len(self._targets):
            raise UsageError(
                f"the state has rates for {len(targets)} DropBlock modules",
                hint=f"the model has {len(self._targets)}",
            )
        self._done, self._targets = done, [float(rate) for rate in targets]
        self._apply()

    def _apply(self) -> None:
        share = min(1.0, self._done / self._steps)
        for module, target in zip(self._modules, self._targets, strict=True):
            module.p = self._start + (target - self._start) * share
