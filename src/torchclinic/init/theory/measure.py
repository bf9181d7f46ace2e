"""Variance by depth as it is, on a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.functional import activation_name
from torchclinic.graph import ForwardRecorder, undisturbed
from torchclinic.init.batch import call
from torchclinic.init.gain import pointwise
from torchclinic.init.theory.chain import Link, chain
from torchclinic.init.theory.profile import LayerVariance, VarianceProfile


def measured_variance(
    model: nn.Module,
    inputs: Any,
    loss: Callable[[Any], Tensor] | None = None,
    *,
    generator: torch.Generator | None = None,
) -> VarianceProfile:
    """Forward and backward variance of each layer on a batch, to be laid beside the predicted.

    The model is left as it was: weights, gradients, buffers, modes and random states.

    Args:
        model: A chain of linear and convolutional layers with activations of single elements.
        inputs: A batch, (rows, ...).
        loss: `loss(output)`, a sum over rows of what each row loses; None for random gradients of
            mean square 1 at the output, as theory supposes them.
        generator: Source of those; None for one of its own with seed 0.

    Returns:
        A row for each layer.

    Raises:
        ModelError: For a net that is no such chain.
        DataError: For inputs that are not finite.

    Source: as for `predicted_variance`.

    >>> net = nn.Sequential(nn.Linear(50, 500, bias=False), nn.Tanh(), nn.Linear(500, 10))
    >>> _ = nn.init.normal_(net[0].weight, std=50**-0.5, generator=torch.Generator().manual_seed(0))
    >>> x = torch.randn(200, 50, generator=torch.Generator().manual_seed(1))
    >>> 0.9 < measured_variance(net, x).layers[0].forward < 1.1
    True
    """
    links = chain(model, inputs)
    outputs: dict[str, Tensor] = {}

    def keep(name: str, output: Tensor) -> None:
        output.retain_grad()
        outputs[name] = output

    copies = dict(model.named_parameters())
    with undisturbed(model), torch.enable_grad():
        for parameter in copies.values():
            parameter.requires_grad_(parameter.is_floating_point())
        plain = _without_overwriting(model)
        try:
            with ForwardRecorder(model, keep):
                result = call(model, inputs)
            _pull(result, loss, generator)
        finally:
            for module in plain:
                module.inplace = True
        rows = _rows(links, outputs, inputs)
    return VarianceProfile(rows, "measured")


def _without_overwriting(model: nn.Module) -> list[Any]:
    """In-place activations, switched to make a new tensor."""
    found = [m for m in model.modules() if getattr(m, "inplace", False) is True]
    for module in found:
        setattr(module, "inplace", False)  # noqa: B010 - nn.Module's own attributes are typed
    return found


def _pull(
    result: Tensor, loss: Callable[[Any], Tensor] | None, generator: torch.Generator | None
) -> None:
    if loss is not None:
        loss(result).backward()
        return
    draws = generator or torch.Generator().manual_seed(0)
    result.backward(torch.randn(result.shape, generator=draws).to(result))


def _rows(
    links: tuple[Link, ...], outputs: dict[str, Tensor], inputs: Any
) -> tuple[LayerVariance, ...]:
    incoming = (inputs[0] if isinstance(inputs, tuple) else inputs).detach().double()
    found: list[LayerVariance] = []
    for link in links:
        output = outputs[link.name].detach().double()
        gradient = outputs[link.name].grad
        assert gradient is not None
        slope = gradient.detach().double()
        with torch.no_grad():
            after = pointwise(link.activation)(output.clone())
        found.append(_row(link, output, after, slope, incoming))
        incoming = after
    return tuple(found)


def _row(
    link: Link, output: Tensor, after: Tensor, gradient: Tensor, incoming: Tensor
) -> LayerVariance:
    by_row = gradient.square().flatten(1).mean(1)
    given = link.activation
    return LayerVariance(
        link.name,
        activation_name(given) if isinstance(given, nn.Module) else given,
        link.fan_in,
        round(link.fan_out),
        link.weight**0.5,
        float(output.square().mean()),
        float(after.var(correction=0)),
        float(by_row.mean()),
        float((by_row * incoming.square().flatten(1).mean(1)).mean()),
    )
