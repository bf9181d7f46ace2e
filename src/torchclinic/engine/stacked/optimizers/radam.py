"""RAdam."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from torchclinic.engine.stacked.optimizers.adam import decays, shrunk
from torchclinic.engine.stacked.optimizers.rule import Numbers, Rule, Table

RECTIFIED_FROM = 5.0  # length of the moving average above which torch trusts its variance


class RAdamRule(Rule):
    r"""Adam whose first steps, of unreliable variance, use the mean alone; as in torch."""

    numbers = ("lr", "beta1", "beta2", "eps", "weight_decay")
    flags = ("decoupled_weight_decay", "maximize")
    buffers = ("mean", "square")
    kernel = "radam"
    order = ("fresh1", "beta2", "fresh2", "rate", "eps", "rectified", "decay", "shrink")

    def coefficients(self, table: Table, steps: Numbers) -> Mapping[str, Numbers]:
        """What `update` needs, by step and member."""
        beta1, beta2 = table["beta1"], table["beta2"]
        correction = 1 - beta2**steps
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * steps * beta2**steps / correction
        rectified = length > RECTIFIED_FROM
        share = (length - 4) * (length - 2) * longest
        factor = np.sqrt(share / ((longest - 4) * (longest - 2) * length) * correction)
        rate = -table["lr"] / (1 - beta1**steps)
        found = {
            "fresh1": 1 - beta1,
            "beta2": beta2,
            "fresh2": 1 - beta2,
            "rate": rate * np.where(rectified, factor, 1.0),
            "eps": table["eps"],
            "rectified": rectified.astype(np.float64),
        }
        return {**found, **decays(table, decoupled=self._flags["decoupled_weight_decay"])}

    def update(self, p: Tensor, g: Tensor, c: Mapping[str, Tensor]) -> None:
        """Make a step."""
        shrunk(p, g, c)
        mean = self.state["mean"].lerp_(g, c["fresh1"])
        square = self.state["square"].mul_(c["beta2"]).addcmul_(g * c["fresh2"], g)
        spread = torch.where(c["rectified"] > 0, square.sqrt().add_(c["eps"]), 1.0)
        p.addcdiv_(torch.mul(mean, c["rate"], out=g), spread)
