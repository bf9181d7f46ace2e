"""Powell's directions (scipy)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from torchclinic.optim.derivative_free.conversation import Evaluate
from torchclinic.optim.derivative_free.method import METHODS
from torchclinic.optim.derivative_free.scipy_method import FOREVER, ScipyMethod, one_by_one


class Powell(ScipyMethod):
    """Line searches along directions that become conjugate.

    By `scipy.optimize.minimize`. It evaluates one point at a time; the first directions are the
    coordinates, of length `scale`.

    Source: Powell 1964, doi 10.1093/comjnl/7.2.155.

    >>> import torch
    >>> with Powell(torch.tensor([2.0, 1.0])) as method:
    ...     method.ask().tolist()
    [[2.0, 1.0]]
    """

    name = "powell"
    title = "Powell"
    source = "Powell 1964, doi 10.1093/comjnl/7.2.155"

    def _search(self) -> Callable[[Evaluate], str]:
        first = self._first()
        options = {
            "direc": self.scale * np.eye(len(first)),
            "maxiter": FOREVER,
            "maxfev": FOREVER,
            "xtol": 1e-10,
            "ftol": 1e-14,
        }
        return one_by_one("Powell", first, self._box(), options)


METHODS.add(Powell.name, Powell)
