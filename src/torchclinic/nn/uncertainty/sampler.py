"""Draws in chunks, from a random stream of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from torchclinic.nn.uncertainty.drawing import Draw
from torchclinic.nn.uncertainty.structure import Forward, Inputs, count_rows, on_rows


@dataclass(frozen=True)
class Sampler:
    """Makes all draws for some rows, in bounded memory.

    Attributes:
        forward: Calls the model, whose dropout is on.
        draw: Makes several draws at once.
        samples: Number of draws.
        chunk: Draws at once.
        rows: Rows at once.
        seed: Of the stream, which begins anew with each block of rows.
    """

    forward: Forward
    draw: Draw
    samples: int
    chunk: int
    rows: int
    seed: int

    def blocks(self, inputs: Inputs) -> Iterator[Tensor]:
        """Draws for block after block of rows, (n, ..., samples) each."""
        for start in range(0, count_rows(inputs), self.rows):
            stop = start + self.rows
            yield self._block(on_rows(lambda leaf, a=start, b=stop: leaf[a:b], inputs))

    def _block(self, inputs: Inputs) -> Tensor:
        seed_everything(self.seed)
        found: Tensor | None = None
        for start in range(0, self.samples, self.chunk):
            stop = min(start + self.chunk, self.samples)
            part = self.draw(self.forward, inputs, stop - start)
            if found is None:
                exact = part.is_floating_point() and part.element_size() >= 4
                dtype = part.dtype if exact else torch.float32
                found = part.new_empty((*part.shape[1:], self.samples), dtype=dtype)
            found[..., start:stop] = part.movedim(0, -1)
        assert found is not None
        return found


def seed_everything(seed: int) -> None:
    """Seed torch's generators; the caller has made sure that they are restored.

    Those of GPUs only where CUDA is in use already.
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        for generator in torch.cuda.default_generators:
            generator.manual_seed(seed)
