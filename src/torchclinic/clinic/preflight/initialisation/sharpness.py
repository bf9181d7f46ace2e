"""Whether attention is one-hot before training."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core.facts import AttentionFacts
from torchclinic.graph import layer_kind

NEARLY_ALL = 0.95  # of a query's weight on one key
FEWEST_KEYS = 4  # among which a query chooses; with fewer, one of them often has most


class AttentionListener:
    """Notes, while it is entered, what the attention layers of a model are given.

    Args:
        model: The model; its layers get hooks, which are gone on exit.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._given: dict[str, Mapping[str, Any]] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> AttentionListener:
        for name, module in self._model.named_modules():
            if layer_kind(module) == "MultiheadAttention":
                hook = module.register_forward_pre_hook(self._noting(name), with_kwargs=True)
                self._handles.append(hook)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def _noting(self, name: str) -> Any:
        def note(_: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
            bound = _SIGNATURE.bind(*args, **kwargs).arguments
            self._given.setdefault(name, {k: _still(value) for k, value in bound.items()})

        return note

    def facts(self, embeddings: Mapping[str, str]) -> tuple[AttentionFacts, ...]:
        """What was noted, in the order of the first call.

        The layers are run once more: the model must be guarded by `undisturbed`.

        Args:
            embeddings: Name of a layer -> the embedding that it reads.
        """
        found: list[AttentionFacts] = []
        for name, given in self._given.items():
            layer: Any = self._model.get_submodule(name)
            sharp = _sharp(layer.eval(), given)
            if sharp is not None:
                size = float(given["query"].double().square().mean().sqrt())
                found.append(AttentionFacts(name, size, sharp, embeddings.get(name, "")))
        return tuple(found)


def _signature() -> inspect.Signature:
    whole = inspect.signature(nn.MultiheadAttention.forward)
    return whole.replace(parameters=[*whole.parameters.values()][1:])


_SIGNATURE = _signature()


def _still(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _sharp(layer: nn.Module, given: Mapping[str, Any]) -> float | None:
    """Share of the queries with nearly all of their weight on one of several keys."""
    asked = {**given, "need_weights": True, "average_attn_weights": False}
    with torch.no_grad():
        found: Any = nn.MultiheadAttention.forward(layer, **asked)[1]  # pyright: ignore[reportArgumentType]
    weights: Tensor = found if found.dim() == 4 else found.unsqueeze(0)
    open_keys = _open(given, weights).sum(-1).expand(weights.shape[:-1])
    asking = (open_keys >= FEWEST_KEYS) & weights.isfinite().all(-1)
    if not asking.any():
        return None
    return float((weights.amax(-1)[asking] >= NEARLY_ALL).double().mean())


def _open(given: Mapping[str, Any], weights: Tensor) -> Tensor:
    """Which keys a query may look at, in a shape that fits the weights."""
    rows, heads, queries, keys = weights.shape
    allowed = torch.ones(rows, 1, queries, keys, dtype=torch.bool, device=weights.device)
    mask, padding = given.get("attn_mask"), given.get("key_padding_mask")
    if mask is not None:
        whole = _shut(mask)
        whole = whole.view(rows, heads, queries, keys) if whole.dim() == 3 else whole
        allowed = allowed & ~whole
    if padding is not None:
        allowed = allowed & ~_shut(padding).view(rows, 1, 1, keys)
    return allowed


def _shut(mask: Tensor) -> Tensor:
    return mask if mask.dtype is torch.bool else mask == -torch.inf
