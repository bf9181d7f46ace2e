"""How far the rows of a weight are from being orthonormal."""

from __future__ import annotations

import torch
from torch import Tensor


def orthogonality(weight: Tensor) -> Tensor:
    r"""Squared distance of a weight's Gram matrix from the identity.

    $\lVert W W^T - I \rVert_F^2$, where W has one row a unit; $\lVert W^T W - I \rVert_F^2$ where
    it has more rows than columns, as those cannot be orthogonal to each other. 0 for an orthogonal
    matrix.

    **Shape**: (units, ...) -> (); a convolution's kernel is flattened to one row a unit.

    Args:
        weight: With at least two dimensions.

    Source: Bansal, Chen and Wang 2018, "Can We Gain More from Orthogonality Regularizations in
    Training Deep CNNs?", equation 1, arXiv 1810.09102.

    >>> orthogonality(torch.tensor([[1.0, 0.0], [0.0, 2.0]])).item()
    9.0
    """
    _, residual, _ = _gram(weight)
    return residual.abs().square().sum()


def orthogonality_gradient(weight: Tensor) -> Tensor:
    r"""Gradient of `orthogonality`: $4 (W W^T - I) W$, or $4 W (W^T W - I)$.

    **Shape**: (units, ...) -> the same.

    >>> orthogonality_gradient(torch.tensor([[1.0, 0.0], [0.0, 2.0]])).tolist()
    [[0.0, 0.0], [0.0, 24.0]]
    """
    matrix, residual, wide = _gram(weight)
    product = residual @ matrix if wide else matrix @ residual
    return (4 * product).reshape(weight.shape)


def _gram(weight: Tensor) -> tuple[Tensor, Tensor, bool]:
    """The weight as a matrix, its Gram matrix less the identity, and whether that is of rows."""
    matrix = weight.reshape(weight.shape[0], -1)
    rows, columns = matrix.shape
    wide = rows <= columns
    gram = matrix @ matrix.mH if wide else matrix.mH @ matrix
    identity = torch.eye(min(rows, columns), dtype=weight.dtype, device=weight.device)
    return matrix, gram - identity, wide
