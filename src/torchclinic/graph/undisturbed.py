"""A guard around whatever is run on somebody's model only to look at it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[nn.Module]:
    """On exit, the model and all random states are bitwise what they were.

    Kept are buffers, training flags, `requires_grad` flags, gradients (inside, all of them are
    None) and the random states of torch, numpy and Python. Weights are not: do not step inside.

    Args:
        model: The model.

    Yields:
        The same model.

    >>> model = nn.BatchNorm1d(3)
    >>> with undisturbed(model):
    ...     _ = model.train()(torch.randn(8, 3) + 5)
    >>> model.running_mean.tolist()
    [0.0, 0.0, 0.0]
    """
    flags = {module: module.training for module in model.modules()}
    parameters = [(p, p.requires_grad, p.grad) for p in model.parameters()]
    buffers = _snapshot(model)
    with _same_random_states():
        for parameter, _, _ in parameters:
            parameter.grad = None
        try:
            yield model
        finally:
            _restore(buffers)
            for module, training in flags.items():
                module.training = training
            for parameter, requires_grad, gradient in parameters:
                parameter.requires_grad_(requires_grad)
                parameter.grad = gradient


_Buffer = tuple[nn.Module, str, Tensor, Tensor]


def _snapshot(model: nn.Module) -> list[_Buffer]:
    return [
        (module, name, buffer, buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
        if not is_lazy(buffer)
    ]


def _restore(buffers: list[_Buffer]) -> None:
    with torch.no_grad():
        for module, name, buffer, value in buffers:
            if buffer.shape == value.shape and not torch.equal(buffer, value):
                buffer.copy_(value)
            setattr(module, name, buffer)


@contextmanager
def _same_random_states() -> Iterator[None]:
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    of_numpy, of_python = np.random.get_state(), random.getstate()
    with torch.random.fork_rng(devices=list(devices)):
        try:
            yield
        finally:
            np.random.set_state(of_numpy)
            random.setstate(of_python)
