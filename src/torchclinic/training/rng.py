"""Random streams of a run, apart from the global ones, which are left bitwise as they were."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class RandomState:
    """State of all global generators: torch on the CPU, torch on each GPU, numpy and random.

    Attributes:
        torch: Of the CPU generator.
        cuda: One a GPU; empty while CUDA is not in use.
        numpy: As `numpy.random.get_state()` gives it.
        python: As `random.getstate()` gives it.
    """

    torch: Tensor
    cuda: tuple[Tensor, ...]
    numpy: Any
    python: Any

    @classmethod
    def capture(cls) -> RandomState:
        """The state as it is now."""
        in_use = torch.cuda.is_initialized()
        return cls(
            torch=torch.get_rng_state(),
            cuda=tuple(torch.cuda.get_rng_state_all()) if in_use else (),
            numpy=np.random.get_state(),
            python=random.getstate(),
        )

    def restore(self) -> None:
        """Make it the state again."""
        torch.set_rng_state(self.torch)
        np.random.set_state(self.numpy)
        random.setstate(self.python)
        if self.cuda:
            torch.cuda.set_rng_state_all(list(self.cuda))
        elif torch.cuda.is_initialized():  # it came into use since: as torch would have begun it
            _seed_cuda(torch.default_generator.initial_seed())

    def state(self) -> dict[str, Any]:
        """As plain values, for a checkpoint."""
        kind, keys, *rest = self.numpy
        return {
            "torch": self.torch,
            "cuda": list(self.cuda),
            "numpy": [kind, torch.from_numpy(keys.astype(np.int64)), *rest],
            "python": self.python,
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> RandomState:
        """The state that `state()` described."""
        kind, keys, *rest = state["numpy"]
        numpy_state = (kind, keys.numpy().astype(np.uint32), *rest)
        return cls(state["torch"], tuple(state["cuda"]), numpy_state, state["python"])


@contextmanager
def preserved() -> Iterator[None]:
    """Whatever is drawn inside, the global generators are as before on exit.

    >>> before = torch.get_rng_state()
    >>> with preserved():
    ...     _ = torch.rand(3)
    >>> bool((torch.get_rng_state() == before).all())
    True
    """
    state = RandomState.capture()
    try:
        yield
    finally:
        state.restore()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, all global generators start from `seed`; on exit they are as before.

    Args:
        seed: Any whole number.

    >>> with seeded(0):
    ...     first = float(torch.rand(()))
    >>> with seeded(0):
    ...     again = float(torch.rand(()))
    >>> round(first, 4), first == again
    (0.4963, True)
    """
    with preserved():
        torch.default_generator.manual_seed(seed % 2**63)
        np.random.seed(seed % 2**32)
        random.seed(seed)
        if torch.cuda.is_initialized():
            _seed_cuda(seed % 2**63)
        yield


def stream_seed(seed: int, stream: str) -> int:
    """A seed for one named stream of a run, unrelated to those of its other streams.

    Source: the first 8 bytes of SHA-256 over both.

    >>> stream_seed(0, "data order"), stream_seed(0, "training") == stream_seed(1, "training")
    (5096021888181141569, False)
    """
    digest = hashlib.sha256(f"{seed}/{stream}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 2**63


def _seed_cuda(seed: int) -> None:
    for generator in torch.cuda.default_generators:
        generator.manual_seed(seed)
