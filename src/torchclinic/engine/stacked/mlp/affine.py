"""Scale and shift of a normalisation, for all members."""

from __future__ import annotations

import torch
from torch import Tensor


class Affine:
    """`y = scale * x + shift`, or nothing where the normalisation has no parameters.

    Args:
        scale: Of shape (members, features), or None.
        shift: Of the same shape, or None.
        scale_gradient: Where its gradient goes.
        shift_gradient: Where its gradient goes.
    """

    def __init__(
        self,
        scale: Tensor | None,
        shift: Tensor | None,
        scale_gradient: Tensor | None,
        shift_gradient: Tensor | None,
    ) -> None:
        self._scale, self._shift = scale, shift
        self._scale_gradient, self._shift_gradient = scale_gradient, shift_gradient

    def forward(self, x: Tensor, out: Tensor) -> Tensor:
        """Scale and shift into `out`."""
        if self._scale is None:
            return out.copy_(x)
        scale = self._scale.unsqueeze(1)
        if self._shift is None:
            return torch.mul(x, scale, out=out)
        return torch.addcmul(self._shift.unsqueeze(1), x, scale, out=out)

    def backward(self, d: Tensor, x: Tensor, rate: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of scale and shift, stored or, with a rate, applied.

        Returns:
            The gradient with respect to `x`, its sum over the rows, and the sum over the rows
            of its product with `x`.
        """
        shift, slope = d.sum(1, keepdim=True), (d * x).sum(1, keepdim=True)
        if self._scale is None:
            return d, shift, slope
        scale = self._scale.unsqueeze(1).clone() if rate is not None else self._scale.unsqueeze(1)
        self._store(shift, slope, rate)
        return d * scale, shift * scale, slope * scale

    def _store(self, shift: Tensor, slope: Tensor, rate: Tensor | None) -> None:
        for parameter, gradient, value in (
            (self._shift, self._shift_gradient, shift),
            (self._scale, self._scale_gradient, slope),
        ):
            if parameter is not None and gradient is not None:
                if rate is None:
                    gradient.copy_(value[:, 0])
                else:
                    parameter.addcmul_(value[:, 0], rate[:, 0])
