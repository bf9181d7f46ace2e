"""The first operation whose gradient is NaN or infinite though what comes back to it is finite."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from torchclinic.clinic.lines import noted_line

Found = tuple[str, float | None, float | None, str]


class WildGradient:
    """Looks at every gradient on its way back from a loss.

    >>> distance = torch.zeros(2, requires_grad=True)
    >>> WildGradient(distance.sqrt().sum()).of([distance])[0]
    'sqrt'
    """

    def __init__(self, loss: Tensor) -> None:
        self._loss = loss
        self._found: Found | None = None

    def of(self, parameters: Sequence[Tensor]) -> Found | None:
        """Name of the operation, range of the gradient that came back to it, its line.

        The gradients of the parameters are left as they are.
        """
        handles = [node.register_hook(self._hook(node)) for node in _nodes(self._loss.grad_fn)]
        try:
            torch.autograd.grad(self._loss, list(parameters), retain_graph=True, allow_unused=True)
        except RuntimeError:  # the training's own backward pass says so
            return None
        finally:
            for handle in handles:
                handle.remove()
        return self._found

    def _hook(self, node: Any) -> Any:
        def look(inwards: Any, outwards: Any) -> None:
            if self._found is not None or not _finite(outwards) or _finite(inwards):
                return
            known = [t for t in outwards if isinstance(t, Tensor) and t.numel()]
            low = min((float(t.min()) for t in known), default=None)
            high = max((float(t.max()) for t in known), default=None)
            self._found = (_plain(node), low, high, noted_line(node))

        return look


def _finite(values: Any) -> bool:
    tensors = (t for t in values if isinstance(t, Tensor) and t.is_floating_point())
    return all(bool(t.isfinite().all()) for t in tensors)


def _plain(node: Any) -> str:
    """`SqrtBackward0` is sqrt."""
    name = re.sub(r"Backward\d*$", "", node.name().rsplit("::", 1)[-1])
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _nodes(root: Any) -> Iterator[Any]:
    seen, waiting = set[Any](), [root]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if "AccumulateGrad" not in node.name():
            yield node
        waiting.extend(after for after, _ in node.next_functions)
