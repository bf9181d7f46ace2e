"""The loss of a step: what was back-propagated into it, without waiting for a device."""

from __future__ import annotations

from typing import Any

from torch import Tensor


class Losses:
    """Gathers the losses of the backward passes of one step.

    The loss of a step is their sum, because the sum is what the step descends: the parts of an
    accumulated batch, or several losses. Where the optimizer calls a closure, again and again
    perhaps (LBFGS), it is the first one.

    >>> losses = Losses()
    >>> losses.observed(0.5)
    >>> losses.observed(0.25)
    >>> losses.take()
    0.75
    """

    def __init__(self) -> None:
        self._found: list[float | Tensor] = []
        self._by_hand = False

    def back_propagated(self, root: Any, scale: Tensor | None) -> None:
        """A backward pass from `root`, which a GradScaler multiplied by `scale`."""
        if not self._by_hand and isinstance(root, Tensor) and root.numel() == 1:
            value = _keep(root)
            self._found.append(value if scale is None else value / _keep(scale))

    def observed(self, loss: float | Tensor) -> None:
        """The user says what the loss of this step is; from now on only that counts."""
        if not self._by_hand:
            self._by_hand = True
            self._found.clear()
        self._found.append(_keep(loss) if isinstance(loss, Tensor) else float(loss))

    def take(self, closure: bool = False) -> float | Tensor | None:
        """The loss of the step that ends; None if none was seen."""
        found = self._found
        if not found:
            return None
        self._found = []
        if closure or len(found) == 1:
            return found[0]
        return sum(found[1:], start=found[0])


def _keep(tensor: Tensor) -> float | Tensor:
    """A number on the CPU, where reading it does not wait; else a copy that stays on the device."""
    return tensor.item() if tensor.is_cpu else tensor.detach().clone().reshape(())
