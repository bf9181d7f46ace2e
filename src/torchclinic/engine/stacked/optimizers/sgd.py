"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from torchclinic.engine.stacked.optimizers.rule import Numbers, Rule, Table, decay_of, decayed


class SGDRule(Rule):
    r"""$b \leftarrow \mu b + (1 - \tau) g$, $w \leftarrow w - \eta b$; as `torch.optim.SGD`."""

    numbers = ("lr", "momentum", "dampening", "weight_decay")
    flags = ("nesterov", "maximize")
    buffers = ("momentum",)
    kernel = "sgd"
    order = ("rate", "decay", "momentum", "fresh")
    branch = "nesterov"

    def coefficients(self, table: Table, steps: Numbers) -> Mapping[str, Numbers]:
        """What `update` needs, by step and member."""
        momentum = table["momentum"]
        found: dict[str, Numbers] = {"rate": -table["lr"], **decay_of(table)}
        if momentum.any():
            fresh = np.where((momentum == 0) | (steps == 1), 1.0, 1.0 - table["dampening"])
            found |= {"momentum": momentum, "fresh": fresh}
        return found

    def update(self, p: Tensor, g: Tensor, c: Mapping[str, Tensor]) -> None:
        """Make a step."""
        decayed(p, g, c)
        if "momentum" in c:
            buffer = self.state["momentum"].mul_(c["momentum"]).addcmul_(g, c["fresh"])
            g = g.addcmul_(buffer, c["momentum"]) if self._flags["nesterov"] else buffer
        p.addcmul_(g, c["rate"])

    @property
    def plain(self) -> bool:
        """Whether the steps prepared are nothing but `w -= lr * g`."""
        return set(self._coefficients) == {"rate"} and not self._flags["maximize"]
