"""Keep the randomness of a data source apart from everybody else's.

A sampler or an augmentation that draws from the global generators would tie the data to the
model's dropout: two arms with the same seed would see different rows. Here each pass over a
source owns a state of the global generators, which is swapped in only while a batch is made.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from torchclinic.core import DataError, TorchclinicError

State = tuple[torch.Tensor, Any, Any]


def isolated(
    make: Callable[[], Iterable[Any]], generator: torch.Generator, source: str = "the data"
) -> Iterator[Any]:
    """Iterate over `make()` as if the global generators had been seeded from `generator`.

    The global states of torch (CPU), numpy and random are the caller's again at every yield.

    Args:
        make: Returns what is to be iterated; called inside the isolated state.
        generator: Draws one seed.
        source: Named when it raises.

    Yields:
        What the iterable yields.

    Raises:
        DataError: If the iterable raises.

    >>> draws = [list(isolated(lambda: [float(torch.rand(()))], torch.Generator())) for _ in "ab"]
    >>> draws[0] == draws[1]
    True
    """
    seed = draw_seed(generator)
    outside = _capture()
    try:
        _seed(seed)
        iterator = iter(make())
    except TorchclinicError:
        raise
    except Exception as error:
        raise DataError(f"{source} raised {type(error).__name__}: {error}") from error
    finally:
        inside = _capture()
        _restore(outside)
    while True:
        outside = _capture()
        _restore(inside)
        try:
            item = next(iterator)
        except StopIteration:
            return
        except TorchclinicError:
            raise
        except Exception as error:
            raise DataError(f"{source} raised {type(error).__name__}: {error}") from error
        finally:
            inside = _capture()
            _restore(outside)
        yield item


def draw_seed(generator: torch.Generator) -> int:
    """A seed below 2^31 from `generator`.

    >>> draw_seed(torch.Generator().manual_seed(1)) == draw_seed(torch.Generator().manual_seed(1))
    True
    """
    return int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device))


def _capture() -> State:
    legacy = np.random.get_state()
    return torch.get_rng_state(), legacy, random.getstate()


def _restore(state: State) -> None:
    torch.set_rng_state(state[0])
    np.random.set_state(state[1])
    random.setstate(state[2])


def _seed(seed: int) -> None:
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
