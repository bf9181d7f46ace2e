"""The simplex of Nelder and Mead (scipy)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from torchclinic.optim.derivative_free.conversation import Evaluate
from torchclinic.optim.derivative_free.method import METHODS
from torchclinic.optim.derivative_free.scipy_method import FOREVER, ScipyMethod, one_by_one


class NelderMead(ScipyMethod):
    """A simplex that crawls downhill: its worst corner is reflected, or it shrinks.

    By `scipy.optimize.minimize`, with the coefficients that adapt to the dimension. It evaluates
    one point at a time; the first simplex is the start and a step of `scale` along each coordinate.

    Source: Nelder and Mead 1965, doi 10.1093/comjnl/7.4.308; Gao and Han 2012, doi
    10.1007/s10589-010-9329-3, for the adaptive coefficients.

    >>> import torch
    >>> with NelderMead(torch.tensor([2.0, 1.0])) as method:
    ...     method.ask().tolist()
    [[2.0, 1.0]]
    """

    name = "nelder-mead"
    title = "Nelder-Mead"
    source = "Nelder and Mead 1965, doi 10.1093/comjnl/7.4.308"

    def _search(self) -> Callable[[Evaluate], str]:
        first = self._first()
        corners = np.vstack([first, first + self.scale * np.eye(len(first))])
        if self.bounds is not None:  # a corner beyond a bound goes the other way
            low, high = (side.cpu().double().numpy() for side in self.bounds)
            corners = np.where(corners > high, np.maximum(2 * first - corners, low), corners)
        options = {
            "initial_simplex": corners,
            "adaptive": len(first) > 2,  # at 2 it is the same, and at 1 it would divide by 0
            "maxiter": FOREVER,
            "maxfev": FOREVER,
            "xatol": 1e-10 * self.scale,
            "fatol": 1e-12,
        }
        return one_by_one("Nelder-Mead", first, self._box(), options)


METHODS.add(NelderMead.name, NelderMead)
