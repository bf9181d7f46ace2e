"""ChanceFacts: the line of a forward pass that draws random numbers in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from torchclinic.clinic.lines import present_line
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import ChanceFacts
from torchclinic.data.structure import tensors_of
from torchclinic.graph import undisturbed
from torchclinic.training import forward

DRAWS = frozenset(
    {"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal"}
    | {"bernoulli", "multinomial", "poisson", "gumbel_softmax", "rrelu"}
)
DROPOUTS = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"})
FILLS = frozenset(
    {"normal_", "uniform_", "bernoulli_", "trunc_normal_", "orthogonal_", "sparse_", "random_"}
    | {"kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_"}
)


def chance_facts(model: nn.Module, inputs: Any) -> ChanceFacts | None:
    """The first line that draws weights; without one, the first that draws anything.

    Args:
        model: Of which it is known that its answers are random; its weights are left as they were.
        inputs: Rows, structured as the model takes them.
    """
    weights = [parameter.detach().clone() for parameter in model.parameters()]
    listener = _DrawListener()
    with undisturbed(model), torch.no_grad():
        model.eval()
        try:
            with listener:
                forward(model, inputs)
        except TorchclinicError:
            return None
        finally:
            for parameter, value in zip(model.parameters(), weights, strict=True):
                parameter.copy_(value)
    found = listener.found
    return next((one for one in found if one.weights), found[0] if found else None)


class _DrawListener(TorchFunctionMode):
    """Notes what draws random numbers, while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[ChanceFacts] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        """Pass the call on, and note it where it draws."""
        name = getattr(func, "__name__", "")
        if name in FILLS:
            given = next(tensors_of((args, kwargs)), None)
            self.found.append(ChanceFacts(present_line(), isinstance(given, nn.Parameter)))
        elif name in DRAWS or (name in DROPOUTS and _is_on(args, kwargs or {})):
            self.found.append(ChanceFacts(present_line()))
        return func(*args, **(kwargs or {}))


def _is_on(args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a functional dropout drops anything."""
    return bool(args[2] if len(args) > 2 else kwargs.get("training", True))
