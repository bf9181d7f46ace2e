"""One thread within a run, so that a result does not depend on how many cores there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def single_thread() -> Iterator[None]:
    """Inside, torch computes on one thread; on exit on as many as before.

    A sum that is split over threads is added in another order and differs in its last bits. One
    thread for each run also leaves the cores to other runs, and is what makes a fork safe: a child
    never waits for OpenMP threads that only its parent has.

    >>> with single_thread():
    ...     torch.get_num_threads()
    1
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
