"""A linear layer that drops its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that everybody knows it by

from torchclinic.nn.dropout.drop_connect import DropConnect


class DropConnectLinear(DropConnect, nn.Linear):
    r"""A linear layer of which each weight is 0 with probability p at each training step.

    $y = (M \circ W) x / (1 - p) + b$, $M_{ij} \sim$ Bernoulli$(1 - p)$

    One mask serves the whole batch (Wan et al. draw one for each row). In evaluation mode the
    weights are their expectation, W, so that the layer then is an `nn.Linear`; with
    `inference="gaussian"` the pre-activation is taken as a Gaussian of the masks' mean and
    variance, and the output is the expectation of the activation over it. The state dict is that
    of `nn.Linear`; the bias is never dropped.

    **Shape**: (..., in_features) -> (..., out_features).

    Args:
        in_features: Size of the input.
        out_features: Size of the output.
        bias: Whether there is a bias.
        p: Probability of dropping a weight; with 1 only the bias is left in training.
        inference: "mean" or "gaussian" (moment matching).
        activation: Applied to the output in both modes; needed for "gaussian".
        samples: None for quadrature, which suits activations that act on each unit alone; a number
            of random draws for others, and to do as Wan et al. did.
        device: As in torch.
        dtype: As in torch.

    Raises:
        UsageError: For p outside [0, 1], another inference, or "gaussian" without an activation or
            with p = 1.

    Source: Wan et al. 2013, "Regularization of Neural Networks using DropConnect", ICML 28.

    >>> import torch
    >>> layer = DropConnectLinear(2, 1, p=0.5)
    >>> _ = nn.init.ones_(layer.weight), nn.init.zeros_(layer.bias)
    >>> layer.eval()(torch.tensor([[1.0, 2.0]])).item()
    3.0
    """

    def __init__(  # noqa: PLR0913 - those of nn.Linear and four more
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        p: float = 0.5,
        *,
        inference: str = "mean",
        activation: Callable[..., Any] | None = None,
        samples: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        nn.Linear.__init__(self, in_features, out_features, bias, device=device, dtype=dtype)
        self._set_up(p, inference, activation, samples)

    def _affine(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.linear(x, weight, bias)
