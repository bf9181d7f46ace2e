"""Expectation of a non-linearity over a Gaussian input, by quadrature or by draws."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

import torch
from numpy.polynomial.hermite import hermgauss
from torch import Tensor

NODES = 32  # sigmoid and tanh come out to 1e-5 for deviations up to 3, a ReLU to 1e-2 of its own

Function = Callable[[Tensor], Tensor]


def gaussian_expectation(
    function: Function, mean: Tensor, variance: Tensor, nodes: int = NODES
) -> Tensor:
    r"""Gauss-Hermite estimate of E[f(u)] for independent Gaussian u.

    $E[f(u)] \approx \pi^{-1/2} \sum_k w_k f(\mu + \sqrt{2} \sigma t_k)$

    **Shape**: mean and variance (...) -> (...).

    Args:
        function: Acts on each element alone.
        mean: Of u.
        variance: Of u, 0 or more.
        nodes: Number of evaluations; exact for polynomials up to degree 2 * nodes - 1.

    Returns:
        The expectation, differentiable where the variance is above 0.

    Source: Golub and Welsch 1969, doi 10.1090/S0025-5718-69-99647-1.

    >>> one = torch.ones(())
    >>> round(gaussian_expectation(torch.square, 3 * one, 4 * one).item(), 4)
    13.0
    """
    places, weights = hermgauss(nodes)
    spread = variance.sqrt() * sqrt(2.0)
    total = torch.zeros_like(mean)
    for place, weight in zip(places.tolist(), weights.tolist(), strict=True):
        total = total + function(mean + spread * place) * (weight / sqrt(pi))
    return total


def sampled_expectation(function: Function, mean: Tensor, variance: Tensor, samples: int) -> Tensor:
    """Monte-Carlo estimate of E[f(u)] for Gaussian u, as Wan et al. take it.

    **Shape**: mean and variance (...) -> (...).

    Args:
        function: Any that keeps the shape, also over units, such as softmax.
        mean: Of u.
        variance: Of u.
        samples: Number of draws; the error falls as its root.

    Source: Wan et al. 2013, "Regularization of Neural Networks using DropConnect", algorithm 2.

    >>> _ = torch.manual_seed(0)
    >>> one = torch.ones(())
    >>> round(sampled_expectation(torch.square, 3 * one, 4 * one, 4000).item())
    13
    """
    spread = variance.sqrt()
    total = torch.zeros_like(mean)
    for _ in range(samples):
        total = total + function(mean + spread * torch.randn_like(mean))
    return total / samples
