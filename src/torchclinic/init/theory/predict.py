"""Variance by depth as theory has it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core import UsageError
from torchclinic.functional import activation_name
from torchclinic.init.theory.chain import Link, chain
from torchclinic.init.theory.moments import Moments, activation_moments
from torchclinic.init.theory.profile import LayerVariance, VarianceProfile


def predicted_variance(
    model: nn.Module, inputs: Any, *, output_gradient: Tensor | float = 1.0
) -> VarianceProfile:
    r"""Forward and backward variance of each layer, from the sizes of the weights alone.

    With $q_l = E[h_l^2]$ of the pre-activations and $\delta_l = E[(\partial L / \partial h_l)^2]$:

    $q_{l+1} = n_{in} \overline{w^2}\,E[\varphi(\sqrt{q_l} z)^2] + \overline{b^2}$ and
    $\delta_l = n_{out} \overline{w^2}\,\delta_{l+1}\,E[\varphi'(\sqrt{q_l} z)^2]$,

    $z \sim N(0, 1)$, from $q_1 = n_{in} \overline{w^2}\,\overline{x^2} + \overline{b^2}$, for each
    row of the batch and then averaged. Exact for random weights as the layers grow wide; zero
    padding at the edges of convolutions is left out of account.

    Args:
        model: A chain of linear and convolutional layers with activations of single elements.
        inputs: A batch, (rows, ...); its rows' sizes count, not what is in them.
        output_gradient: Mean square of the loss's gradient at the model's output, one number or one
            a row; `measured_variance` gives that of a real loss.

    Returns:
        A row for each layer.

    Raises:
        ModelError: For a net that is no such chain.
        DataError: For inputs that are not finite.
        UsageError: For an activation that acts on no single element.

    Source: Glorot and Bengio 2010, equations 5 and 6; He et al. 2015, arXiv 1502.01852; Poole et
    al. 2016, equation 3, arXiv 1606.05340; Schoenholz et al. 2017, equation 18, arXiv 1611.01232.

    >>> net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU(), nn.Linear(4, 2, bias=False))
    >>> for layer in (net[0], net[2]):
    ...     _ = nn.init.constant_(layer.weight, 0.5)
    >>> profile = predicted_variance(net, torch.ones(8, 4))
    >>> [round(value, 4) for value in (*profile.column("forward"), *profile.column("backward"))]
    [1.0, 0.5, 0.25, 1.0]
    """
    links = chain(model, inputs)
    x = (inputs[0] if isinstance(inputs, tuple) else inputs).detach().double()
    rows = x.square().flatten(1).mean(1).cpu()
    sizes, moments = _forward(links, rows)
    last = torch.as_tensor(output_gradient).double().cpu().expand(len(rows))
    gradients = _backward(links, moments, last)
    before = [rows, *(each.second for each in moments)]
    return VarianceProfile(
        tuple(
            LayerVariance(
                link.name,
                _name(link),
                link.fan_in,
                round(link.fan_out),
                link.weight**0.5,
                float(size.mean()),
                float(moment.second.mean() - moment.mean.mean() ** 2),
                float(gradient.mean()),
                float((gradient * incoming).mean()),
            )
            for link, size, moment, gradient, incoming in zip(
                links, sizes, moments, gradients, before[:-1], strict=True
            )
        ),
        "predicted",
    )


def growth(activation: str | nn.Module | None, weight_variance: float, q: float) -> float:
    r"""How much a layer multiplies gradients by: $\chi = n \sigma_w^2 E[\varphi'(\sqrt q z)^2]$.

    Below 1 gradients vanish with depth, above 1 they explode.

    Args:
        activation: Torch's function name, a module, or None.
        weight_variance: $n \sigma_w^2$, the variance of a unit's weights times their number.
        q: Variance of the pre-activations.

    Raises:
        UsageError: For a variance below 0, or an activation that acts on no single element.

    Source: Schoenholz et al. 2017, equation 7, arXiv 1611.01232.

    >>> round(growth("relu", 2.0, 1.0), 4), round(growth("sigmoid", 1.0, 0.0), 4)
    (1.0, 0.0625)
    """
    if not weight_variance >= 0 or not q >= 0:
        raise UsageError(f"weight_variance={weight_variance}, q={q}", hint="both at least 0")
    return weight_variance * float(activation_moments(activation, q).slope)


def _forward(links: tuple[Link, ...], rows: Tensor) -> tuple[list[Tensor], list[Moments]]:
    sizes: list[Tensor] = []
    moments: list[Moments] = []
    second = rows
    for link in links:
        size = link.fan_in * link.weight * second + link.bias
        sizes.append(size)
        moments.append(activation_moments(link.activation, size))
        second = moments[-1].second
    return sizes, moments


def _backward(links: tuple[Link, ...], moments: list[Moments], last: Tensor) -> list[Tensor]:
    """From the gradient at the model's output, which an activation may follow."""
    found = [last * moments[-1].slope]
    for link, moment in zip(reversed(links[1:]), reversed(moments[:-1]), strict=True):
        found.append(found[-1] * link.fan_out * link.weight * moment.slope)
    return found[::-1]


def _name(link: Link) -> str | None:
    given = link.activation
    return activation_name(given) if isinstance(given, nn.Module) else given
