"""Ways to draw many outputs of a random model at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.func import vmap

from torchclinic.nn.uncertainty.cheap_dropout import CheapDropout
from torchclinic.nn.uncertainty.structure import Forward, Inputs, count_rows, device_of, on_rows

Draw = Callable[[Forward, Inputs, int], Tensor]  # -> (samples, rows, ...)
_COMPARED = 4  # rows by which it is seen whether rows depend on each other
_TRIED = 4  # draws by which it is seen whether a way of drawing works


def draw_nets(forward: Forward, inputs: Inputs, samples: int) -> Tensor:
    """One thinned net a sample, the same for all rows: masks are drawn once a sample.

    For each row the distribution is that of a forward pass of its own.
    """

    def one_row(row: Inputs) -> Tensor:
        return forward(on_rows(lambda leaf: leaf.unsqueeze(0), row)).squeeze(0)

    def all_rows(_: Tensor) -> Tensor:
        return vmap(one_row, randomness="same")(inputs)

    return _over_samples(all_rows, inputs, samples)


def draw_batches(forward: Forward, inputs: Inputs, samples: int) -> Tensor:
    """One forward pass of the batch a sample, all of them as one batched pass."""
    return _over_samples(lambda _: forward(inputs), inputs, samples)


def draw_repeated(forward: Forward, inputs: Inputs, samples: int) -> Tensor:
    """The rows repeated; right only where each row gets a mask of its own."""
    rows = count_rows(inputs)
    many = on_rows(lambda leaf: leaf.repeat(samples, *[1] * (leaf.dim() - 1)), inputs)
    with CheapDropout():
        output = forward(many)
    return output.reshape(samples, rows, *output.shape[1:])


def draw_singly(forward: Forward, inputs: Inputs, samples: int) -> Tensor:
    """One forward pass after the other."""
    return torch.stack([forward(inputs) for _ in range(samples)])


def rows_are_independent(forward: Forward, inputs: Inputs) -> bool:
    """Whether the output for a row is the same whichever rows stand beside it.

    Args:
        forward: Of a model that is not random now.
        inputs: With rows first.
    """
    few = on_rows(lambda leaf: leaf[:_COMPARED], inputs)
    together = forward(few)
    try:
        apart = torch.cat(
            [
                forward(on_rows(lambda leaf, at=row: leaf[at : at + 1], few))
                for row in range(count_rows(few))
            ]
        )
    except Exception:  # noqa: BLE001 - the forward is the user's; then it is called as it is
        return False
    if apart.shape != together.shape:
        return False
    together, apart = together.double(), apart.double()
    scale = float(together.abs().max()) if together.numel() else 0.0
    return bool(torch.allclose(apart, together, rtol=1e-3, atol=1e-4 * scale, equal_nan=True))


def works(draw: Draw, forward: Forward, inputs: Inputs) -> bool:
    """Whether draws made in this way differ from each other, as those of a loop do.

    What falls back to a slow loop inside torch does not work either.
    """
    few = on_rows(lambda leaf: leaf[:2], inputs)
    try:
        with _no_slow_paths():
            together = draw(forward, few, _TRIED)
    except Exception:  # noqa: BLE001 - whatever torch or the forward cannot do, another way may
        return False
    return _differ(together) or not _differ(draw_singly(forward, few, _TRIED))


def _differ(draws: Tensor) -> bool:
    return bool((draws != draws[:1]).any())


def _over_samples(one: Callable[[Tensor], Tensor], inputs: Inputs, samples: int) -> Tensor:
    index = torch.arange(samples, device=device_of(inputs))
    with CheapDropout():
        return vmap(one, randomness="different")(index)


@contextmanager
def _no_slow_paths() -> Iterator[None]:
    """Torch warns where vmap has no rule for an operation and loops; here that is an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*performance drop.*")
        yield
