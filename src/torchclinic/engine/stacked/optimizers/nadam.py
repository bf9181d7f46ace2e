"""NAdam."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from torchclinic.engine.stacked.optimizers.adam import decays, shrunk
from torchclinic.engine.stacked.optimizers.rule import Numbers, Rule, Table


class NAdamRule(Rule):
    r"""Adam with Nesterov's momentum, whose $\mu_t$ is warmed up; as `torch.optim.NAdam`.

    The product of the $\mu_t$ is kept in the type in which torch keeps it (float32 by default),
    whose rounding shows in float64.
    """

    numbers = ("lr", "beta1", "beta2", "eps", "weight_decay", "momentum_decay")
    flags = ("decoupled_weight_decay", "maximize")
    buffers = ("mean", "square")
    kernel = "nadam"
    order = (
        "fresh1",
        "beta2",
        "fresh2",
        "scale",
        "of_gradient",
        "of_mean",
        "eps",
        "decay",
        "shrink",
    )

    def begin(self, first: Table) -> None:
        """Set the state before the first step."""
        kept = np.float64 if torch.get_default_dtype() == torch.float64 else np.float32
        self._product = np.ones(first["lr"].shape[1], dtype=kept)

    def coefficients(self, table: Table, steps: Numbers) -> Mapping[str, Numbers]:
        """What `update` needs, by step and member."""
        beta1, beta2, lr = table["beta1"], table["beta2"], table["lr"]
        mu = beta1 * (1 - 0.5 * 0.96 ** (steps * table["momentum_decay"]))
        following = beta1 * (1 - 0.5 * 0.96 ** ((steps + 1) * table["momentum_decay"]))
        product = self._products(mu)
        found = {
            "fresh1": 1 - beta1,
            "beta2": beta2,
            "fresh2": 1 - beta2,
            "scale": 1 / (1 - beta2**steps),
            "of_gradient": -lr * (1 - mu) / (1 - product),
            "of_mean": -lr * following / (1 - product * following),
            "eps": table["eps"],
        }
        return {**found, **decays(table, decoupled=self._flags["decoupled_weight_decay"])}

    def update(self, p: Tensor, g: Tensor, c: Mapping[str, Tensor]) -> None:
        """Make a step."""
        shrunk(p, g, c)
        mean = self.state["mean"].lerp_(g, c["fresh1"])
        square = self.state["square"].mul_(c["beta2"]).addcmul_(g * c["fresh2"], g)
        spread = square.mul(c["scale"]).sqrt_().add_(c["eps"])
        p.addcdiv_(g.mul_(c["of_gradient"]), spread)
        p.addcdiv_(mean * c["of_mean"], spread)

    def keep(self, rows: Tensor) -> None:
        """Go on with these members only."""
        super().keep(rows)
        self._product = self._product[rows.cpu().numpy()]

    def _products(self, mu: Numbers) -> Numbers:
        """The running product after each step."""
        found: list[Numbers] = []
        for row in mu.astype(self._product.dtype):
            self._product = self._product * row
            found.append(self._product.astype(np.float64))
        return np.stack(found)
