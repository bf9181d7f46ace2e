"""Scale and shift of a normalisation, for all members."""

from __future__ import annotations

from torch import Tensor


class Affine:
    """The parameters of a normalisation, and where their gradients go.

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
        self.scale, self.shift = scale, shift
        self._gradients = ((scale, scale_gradient), (shift, shift_gradient))

    def take(self, slope: Tensor, level: Tensor, rate: Tensor | None) -> None:
        """Store the gradients, or with a rate move the parameters.

        Args:
            slope: The scale's gradient, of shape (members, features).
            level: The shift's.
            rate: Each member's negative learning rate, (members, 1, 1), or None.
        """
        for (parameter, gradient), value in zip(self._gradients, (slope, level), strict=True):
            if parameter is not None and gradient is not None:
                if rate is None:
                    gradient.copy_(value)
                else:
                    parameter.addcmul_(value, rate[:, 0])
