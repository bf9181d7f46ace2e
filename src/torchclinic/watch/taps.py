"""Taps: who calls `backward` on what, and by which factor a GradScaler has scaled it.

`Tensor.backward` ends in `torch.autograd.backward`, so that one place sees both. The replacements
are in place only while somebody listens.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler

_SCALED_KEPT = 8  # scaled losses remembered until their backward pass


class Listener(Protocol):
    """What wants to know of backward passes."""

    def before_backward(self, root: Any, scale: Tensor | None) -> Callable[[], None] | None:
        """A backward pass from `root` begins; `scale` is what a GradScaler multiplied it by.

        What is returned is called when the pass has ended.
        """
        ...

    def scaler_updated(self) -> None:
        """A GradScaler has ended an iteration, with or without an optimizer step."""
        ...

    def failed(self, error: Exception) -> None:
        """One of these has raised."""
        ...


class Taps:
    """The replaced functions, shared by all watches; the last listener to leave restores them."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._restore: list[tuple[Any, str, Any, Any]] = []
        self._scaled: list[tuple[weakref.ref[Tensor], Tensor]] = []

    def add(self, listener: Listener) -> None:
        """Let `listener` hear; the first one puts the taps in."""
        if not self._listeners:
            self._tap(torch.autograd, "backward", self._backward)
            self._tap(GradScaler, "scale", self._scale)
            self._tap(GradScaler, "update", self._update)
        self._listeners.append(listener)

    def remove(self, listener: Listener) -> None:
        """Let it hear no more; the last one takes the taps out, unless someone tapped on top."""
        self._listeners.remove(listener)
        if not self._listeners:
            for owner, name, ours, original in reversed(self._restore):
                if vars(owner).get(name) is ours:
                    setattr(owner, name, original)
            self._restore.clear()
            self._scaled.clear()

    def _tap(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        original = vars(owner)[name]
        ours = functools.wraps(original)(make(original))
        setattr(owner, name, ours)
        self._restore.append((owner, name, ours, original))

    def _backward(self, original: Callable[..., None]) -> Callable[..., None]:
        listeners = self._listeners

        def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
            scale = self._scale_of(tensors) if self._scaled else None
            after = None
            for listener in listeners:
                try:
                    if (call := listener.before_backward(tensors, scale)) is not None:
                        after = [*(after or ()), (listener, call)]
                except Exception as error:  # noqa: BLE001 - a watch never ends a training
                    listener.failed(error)
            original(tensors, *args, **kwargs)
            for listener, call in after or ():
                _guarded(listener, call)

        return backward

    def _scale(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def scale(scaler: GradScaler, outputs: Any) -> Any:
            scaled = original(scaler, outputs)
            factor = getattr(scaler, "_scale", None)
            if isinstance(scaled, Tensor) and scaled is not outputs and isinstance(factor, Tensor):
                self._scaled.append((weakref.ref(scaled), factor.detach().clone()))
                del self._scaled[:-_SCALED_KEPT]
            return scaled

        return scale

    def _update(self, original: Callable[..., None]) -> Callable[..., None]:
        def update(*args: Any, **kwargs: Any) -> None:
            original(*args, **kwargs)
            for listener in self._listeners:
                _guarded(listener, listener.scaler_updated)

        return update

    def _scale_of(self, root: Any) -> Tensor | None:
        return next((factor for scaled, factor in self._scaled if scaled() is root), None)


def _guarded(listener: Listener, call: Callable[[], None]) -> None:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - a watch never ends a training
        listener.failed(error)


TAPS = Taps()
