"""What follows what: learned from the first read forward pass, and outputs of bare parameters."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from torchclinic.graph import ForwardMap
from torchclinic.watch.live_recorder import LiveRecorder
from torchclinic.watch.modules import why_closed

NOT_CALLED = "the model's own forward was not called"


class Structure:
    """Records the model's forward passes in read steps: the first one, and all if it must.

    It must go on where bare parameters are layers: they have no module whose hook could tell.

    Args:
        model: The unwrapped model.
        on_output: Called with name and output of each weighted layer.
    """

    def __init__(self, model: nn.Module, on_output: Callable[[str, Tensor], None]) -> None:
        self._model = model
        self._on_output = on_output
        self._handles: list[RemovableHandle] = []
        self._recorder: LiveRecorder | None = None
        self._broken = False
        self.forward_map: ForwardMap | None = None
        self.unknown = why_closed(model) or NOT_CALLED
        self.always = False
        self.seconds = 0.0

    def arm(self) -> None:
        """Listen to the next forward passes, as long as there is something to learn."""
        wanted = self.always or (self.forward_map is None and not self._broken)
        if wanted and not self._handles and not why_closed(self._model):
            before = self._model.register_forward_pre_hook(self._before, with_kwargs=True)
            after = self._model.register_forward_hook(self._after, always_call=True)
            self._handles = [before, after]

    def disarm(self) -> None:
        """Listen no more."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._drop()

    @property
    def recorded(self) -> bool:
        """Whether a pass was recorded that `learn` has not looked at."""
        return self._recorder is not None

    @property
    def ready(self) -> bool:
        """Whether there is nothing to wait for: a pass was recorded, or none can be."""
        complete = self._recorder is not None and self._recorder.complete
        return complete or self._broken or self.forward_map is not None

    def learn(self) -> bool:
        """Take over what a recorded pass has shown; whether that is new."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return False
        recorder.release()
        if self.forward_map is not None or not recorder.complete:
            return False
        try:
            self.forward_map = recorder.result()
        except Exception as error:  # noqa: BLE001 - a watch never ends a training
            self._fail(error)
        return True

    def _before(self, module: nn.Module, args: Any, kwargs: Any) -> None:  # noqa: ARG002
        if torch.compiler.is_compiling() or not torch.is_grad_enabled():
            return
        start = perf_counter()
        self.learn()  # from an earlier pass of the same step
        try:
            self._recorder = LiveRecorder(self._model, self._on_output)
            self._recorder.begin(args, kwargs)
        except Exception as error:  # noqa: BLE001 - a watch never ends a training
            self._drop()
            self._fail(error)
        self.seconds += perf_counter() - start

    def _after(self, module: nn.Module, args: Any, output: Any) -> None:  # noqa: ARG002
        if self._recorder is not None:
            self._recorder.end()

    def _drop(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.release()

    def _fail(self, error: Exception) -> None:
        self._broken = True
        self.always = False
        self.unknown = f"the forward pass could not be followed: {type(error).__name__}: {error}"
