"""What a Ray worker does: one run."""

from __future__ import annotations

import dataclasses
import pickle
import sys
from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray

from torchclinic.core import Recipe, Run, UsageError
from torchclinic.engine.outcome import Outcome, attempt
from torchclinic.engine.threads import single_thread


@dataclasses.dataclass(frozen=True)
class Home:
    """What a worker must know of the process that sent it a run.

    Attributes:
        path: Where that looks for modules.
        torch: Its version of torch.
    """

    path: tuple[str, ...]
    torch: str

    @classmethod
    def here(cls) -> Home:
        """That of this process."""
        return cls(tuple(sys.path), torch.__version__)


def run_one(
    home: Home, recipe: NDArray[Any], data: NDArray[Any], seed: int, options: Mapping[str, Any]
) -> bytes:
    """Make one run and pack its outcome, which no second attempt would better.

    Args:
        home: Where it comes from.
        recipe: The recipe without its data, as bytes.
        data: Its data, as bytes.
        seed: Of the run.
        options: More arguments of `train`.

    Returns:
        An Outcome, pickled.
    """

    def work() -> Run:
        from ray import cloudpickle

        from torchclinic.engine.kept import train_to_keep
        from torchclinic.engine.ray.shipping import unpacked

        _settle(home)
        return train_to_keep(_placed(unpacked(recipe, data, cloudpickle.loads)), seed, **options)

    with single_thread():
        outcome = attempt(work)
    return _packed(dataclasses.replace(outcome, final=True))


def _settle(home: Home) -> None:
    """Find what the sender finds, and refuse to compute other numbers than it would."""
    sys.path.extend(place for place in home.path if place not in sys.path)
    if torch.__version__ != home.torch:
        raise UsageError(
            f"the worker has torch {torch.__version__}, the study torch {home.torch}",
            hint="install the same version on all nodes; a result must not depend on the node",
        )


def _placed(recipe: Recipe) -> Recipe:
    """A GPU task sees only the GPU that it was given, under the number 0."""
    device = torch.device(recipe.device)
    return recipe if device.index is None else recipe.replace(device=device.type)


def _packed(outcome: Outcome) -> bytes:
    try:
        return pickle.dumps(outcome)
    except Exception as error:  # noqa: BLE001 - a user's type may fail to pickle in any way
        told = f"the result cannot be handed over: {type(error).__name__}: {error}"
        return pickle.dumps(Outcome(None, told, seconds=outcome.seconds))
