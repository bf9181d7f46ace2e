"""Smaller rates towards the input."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from torchclinic.core import UsageError
from torchclinic.graph import registered_layers
from torchclinic.optim.groups.rule import Options, parameter_groups


@dataclass(frozen=True)
class LayerWise:
    r"""The rate of layer l of L is $\eta\,\gamma^{L - l}$: the last has all of it.

    Layers are those that `torchclinic.graph` knows, in the order of registration; a norm goes with
    the layer before it, and so does any other parameter.

    Args:
        factor: gamma, above 0 and at most 1.
    """

    factor: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.factor <= 1:
            raise UsageError(f"factor is {self.factor}", hint="above 0 and at most 1")

    def __call__(self, model: nn.Module, options: dict[str, Options]) -> None:
        """Multiply the rates."""
        depths = layer_depths(model)
        last = max(depths.values())
        for name, own in options.items():
            own["lr"] *= self.factor ** (last - depths[name])


def layer_depths(model: nn.Module) -> dict[str, int]:
    """Parameter name -> the number of its layer, from 0; norms count with the layer before.

    >>> layer_depths(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.Linear(2, 1)))["1.bias"]
    0
    """
    starts = {layer.name: layer.is_norm for layer in registered_layers(model)}
    depths: dict[str, int] = {}
    depth, current = -1, None
    for name, _ in model.named_parameters():
        owner = _owner(name, starts)
        if owner != current and owner is not None and not starts[owner]:
            depth += 1
        current = owner
        depths[name] = max(depth, 0)
    return depths


def _owner(name: str, layers: dict[str, bool]) -> str | None:
    """The layer that a parameter belongs to: the longest prefix of its name that is one."""
    path = name.rpartition(".")[0]
    while path not in layers:
        if not path:
            return None
        path = path.rpartition(".")[0]
    return path


def layer_wise_lr(model: nn.Module, lr: float, factor: float = 0.95) -> list[Options]:
    r"""A group for each layer with the rate $\eta\,\gamma^{L - l}$.

    Args:
        model: Its trainable parameters are grouped.
        lr: eta, of the last layer.
        factor: gamma, above 0 and at most 1.

    Returns:
        Groups to be given to an optimizer.

    Raises:
        ModelError: For a model without a trainable parameter.
        UsageError: For a factor out of range.

    Source: Howard and Ruder 2018, ULMFiT, section 3.2, arXiv 1801.06146 (factor 1 / 2.6 there);
    Clark et al. 2020, ELECTRA, arXiv 2003.10555.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.Linear(2, 1))
    >>> [group["lr"] for group in layer_wise_lr(net, 0.4, 0.5)]
    [0.1, 0.2, 0.4]
    """
    return parameter_groups(model, [LayerWise(factor)], lr=lr)
