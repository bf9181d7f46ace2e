"""A ForwardRecorder that is switched on from inside the forward pass it records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from torchclinic.graph import ForwardRecorder


class LiveRecorder(ForwardRecorder):
    """Records the user's own forward pass: begins in the model's pre-hook, ends in its hook.

    The model's call is already running when recording begins, so that its start must be told; and
    hooks must not be removed while torch walks over them, so that ending comes in two parts.

    Args:
        model: The model.
        on_output: As for ForwardRecorder.
    """

    def __init__(self, model: nn.Module, on_output: Callable[[str, Tensor], None]) -> None:
        super().__init__(model, on_output)
        self._running = False

    @property
    def complete(self) -> bool:
        """Whether the model's forward returned something, which it does not when it raises."""
        return bool(self._returned)

    def begin(self, args: Any, kwargs: Any) -> None:
        """The model's forward begins."""
        self.__enter__()
        self._running = True
        self._before_module(self._model, args, kwargs)

    def end(self) -> None:
        """The model's forward has ended: stop listening; hooks stay until `release`."""
        if self._running:
            self._mode.__exit__(None, None, None)
            self._running = False

    def release(self) -> None:
        """Remove all hooks."""
        self.end()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
