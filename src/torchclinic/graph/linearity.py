"""A functional test: is the model as a whole nothing but an affine map?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.graph.forward_map import ForwardMap
from torchclinic.graph.tensors import tensors_in
from torchclinic.graph.undisturbed import undisturbed

# An affine map stays affine on inputs of every size, while a sigmoid that works in the middle of
# its range looks straight on small ones: the largest residual over these scales counts.
SCALES = (1.0, 30.0, 1000.0)


def linearity_residual(
    model: nn.Module,
    inputs: Any,
    call: Callable[[nn.Module, Any], Any],
    forward_map: ForwardMap | None = None,
) -> float | None:
    r"""How far the model is from an affine map, in evaluation mode.

    $\max_s \frac{\mathrm{rms}(f(s\frac{a+b}{2}) - \frac{f(sa)+f(sb)}{2})}
    {\mathrm{rms}(\frac{f(sa)-f(sb)}{2})}$ with $a$ the rows, $b$ the same rows moved on
    by half of their number, and $s$ = 1, 30, 1000.

    Range: 0 for an affine map, up to rounding (1e-6); of order 1 for a non-linear one.

    Args:
        model: The model; it is left as it was.
        inputs: A batch of inputs in any structure; token numbers cannot be averaged.
        call: `call(model, inputs) -> outputs`.
        forward_map: If given, the output of its output layer is tested, so that a softmax at the
            end does not hide that all before it is affine.

    Returns:
        The residual; None for inputs that are not all floating-point, for fewer than two rows, and
        where the output does not depend on the input.

    >>> deep = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
    >>> rows = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    >>> residual = linearity_residual(deep, rows, lambda model, x: model(x))
    >>> residual is not None and residual < 1e-4
    True
    """
    tensors = list(tensors_in(inputs))
    rows = min((len(t) if t.dim() else 0 for t in tensors), default=0)
    if rows < 2 or not all(t.is_floating_point() for t in tensors):
        return None
    other = _map(inputs, lambda tensor: tensor.roll(rows // 2, 0))
    output = _output_layer(forward_map)
    with undisturbed(model), torch.no_grad():
        model.eval()
        residuals = [
            _residual(lambda x: _value(model, output, call, x), inputs, other, scale)
            for scale in SCALES
        ]
    found = [residual for residual in residuals if residual is not None]
    return max(found, default=None)


def _residual(f: Callable[[Any], Tensor | None], a: Any, b: Any, scale: float) -> float | None:
    ends = f(_blend(a, b, scale, 0.0)), f(_blend(a, b, 0.0, scale))
    middle = f(_blend(a, b, scale / 2, scale / 2))
    if ends[0] is None or ends[1] is None or middle is None:
        return None
    spread = _rms(ends[0] - ends[1]) / 2
    off = _rms(middle - (ends[0] + ends[1]) / 2)
    share = off / spread if spread > 0 else math.nan
    return share if math.isfinite(share) else None


def _output_layer(forward_map: ForwardMap | None) -> nn.Module | None:
    if forward_map is None:
        return None
    found = [layer for layer in forward_map.layers if layer.output]
    return found[0].module if len(found) == 1 and found[0].calls == 1 else None


def _value(
    model: nn.Module,
    layer: nn.Module | None,
    call: Callable[[nn.Module, Any], Any],
    inputs: Any,
) -> Tensor | None:
    """The first floating-point tensor that the layer (or the model) puts out."""
    seen: list[Any] = []
    handle = layer.register_forward_hook(lambda *parts: seen.append(parts[2])) if layer else None
    try:
        outputs = call(model, inputs)
    finally:
        if handle is not None:
            handle.remove()
    floats = (t for t in tensors_in(seen or outputs) if t.is_floating_point())
    return next((t.detach().double().clone() for t in floats), None)


def _blend(a: Any, b: Any, weight_a: float, weight_b: float) -> Any:
    others = tensors_in(b)
    return _map(a, lambda tensor: tensor * weight_a + next(others) * weight_b)


def _map(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _map(item, change) for key, item in value.items()}
    if isinstance(value, tuple | list):
        items = [_map(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def _rms(tensor: Tensor) -> float:
    return float(tensor.square().mean().sqrt())
