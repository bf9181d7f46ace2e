"""The backward pass of batch norm, written out by hand."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.core import UsageError

EPS = 1e-5  # torch's


def batch_norm_forward(
    x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None, eps: float = EPS
) -> Tensor:
    r"""Batch norm in training mode, by its equations.

    $y = \gamma \hat{x} + \beta$, $\hat{x} = (x - \mu) / \sqrt{\sigma^2 + \epsilon}$, with mean and
    variance (divisor m) of each channel over rows and positions.

    **Shape**: x (N, C, ...), gamma and beta (C,) -> (N, C, ...).

    Args:
        x: Input.
        gamma: Scale; None for 1.
        beta: Shift; None for 0.
        eps: Added to the variance.

    Source: Ioffe and Szegedy 2015, algorithm 1, arXiv 1502.03167.

    >>> batch_norm_forward(torch.tensor([[1.0], [3.0]]), eps=0.0).flatten().tolist()
    [-1.0, 1.0]
    """
    normalised, _ = _normalised(x, eps)
    scaled = normalised if gamma is None else normalised * _by_channel(gamma, x)
    return scaled if beta is None else scaled + _by_channel(beta, x)


def batch_norm_backward(
    grad_output: Tensor, x: Tensor, gamma: Tensor | None = None, eps: float = EPS
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Gradients of batch norm in training mode, by the chain rule through mean and variance.

    With m values a channel and $g = \partial L / \partial y$:

    $\partial L / \partial \beta = \sum g$, $\quad \partial L / \partial \gamma = \sum g \hat{x}$,

    $\partial L / \partial x = \frac{\gamma}{m \sqrt{\sigma^2 + \epsilon}} (m g - \sum g -
    \hat{x} \sum g \hat{x})$

    What goes back has neither a mean nor a part along $\hat{x}$ (but for epsilon): the batch's mean
    and scale cannot be changed by it, since the norm takes them out.

    **Shape**: grad_output and x (N, C, ...), gamma (C,) -> (N, C, ...), (C,), (C,).

    Args:
        grad_output: Gradient with respect to the output.
        x: The input.
        gamma: Scale; None for 1.
        eps: As in the forward pass.

    Returns:
        Gradients with respect to x, gamma and beta.

    Raises:
        UsageError: If the shapes differ, or without rows and channels.

    Source: Ioffe and Szegedy 2015, section 3, arXiv 1502.03167.

    >>> x = torch.tensor([[0.0], [1.0], [5.0]], dtype=torch.float64)
    >>> dx, dgamma, dbeta = batch_norm_backward(torch.ones_like(x), x)
    >>> dx.abs().max().item() < 1e-12, dbeta.item()
    (True, 3.0)
    """
    if grad_output.shape != x.shape:
        raise UsageError(
            f"grad_output has shape {tuple(grad_output.shape)}, x {tuple(x.shape)}",
            hint="both are (N, C, ...)",
        )
    normalised, inverse = _normalised(x, eps)
    over = _reduced(x)
    beta_gradient = grad_output.sum(over, keepdim=True)
    gamma_gradient = (grad_output * normalised).sum(over, keepdim=True)
    count = x.numel() // x.shape[1]
    centred = count * grad_output - beta_gradient - normalised * gamma_gradient
    scale = inverse / count
    if gamma is not None:
        scale = scale * _by_channel(gamma, x)
    return scale * centred, gamma_gradient.flatten(), beta_gradient.flatten()


def _normalised(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    if x.dim() < 2 or x.numel() == 0:
        raise UsageError(f"x has shape {tuple(x.shape)}", hint="it needs rows and channels")
    variance, mean = torch.var_mean(x, _reduced(x), correction=0, keepdim=True)
    inverse = (variance + eps).rsqrt()
    return (x - mean) * inverse, inverse


def _reduced(x: Tensor) -> list[int]:
    return [0, *range(2, x.dim())]


def _by_channel(values: Tensor, x: Tensor) -> Tensor:
    return values.view(-1, *[1] * (x.dim() - 2))
