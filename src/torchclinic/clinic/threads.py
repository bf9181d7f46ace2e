"""How many threads a training's tensors are worth."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from torchclinic.engine.threads import single_thread

SMALL_STEP = 0.02  # seconds on one thread; below it, handing work to a second costs what it gains


def suited_threads(step_seconds: float) -> AbstractContextManager[None]:
    """Inside, torch computes on one thread when an update is short, else on all it has.

    Args:
        step_seconds: Of an update on one thread.

    >>> with suited_threads(0.001):
    ...     import torch
    ...     torch.get_num_threads()
    1
    """
    return single_thread() if step_seconds < SMALL_STEP else nullcontext()
