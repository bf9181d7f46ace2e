"""AdaBelief, as the package pytorch_optimizer has it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from torchclinic.engine.stacked.optimizers.rule import Numbers, Rule, Table, decay_of, decayed


class AdaBeliefRule(Rule):
    r"""Adam with the running mean of $(g - m)^2$ in place of $g^2$.

    Source: Zhuang et al., "AdaBelief Optimizer", algorithm 2 (arXiv 2010.07468).
    """

    numbers = ("lr", "beta1", "beta2", "eps", "weight_decay")
    flags = (
        "weight_decouple",
        "fixed_decay",
        "ams_bound",
        "maximize",
        "adam_debias",
        "rectify",
        "adanorm",
    )
    buffers = ("mean", "variance", "largest")
    kernel = "adabelief"
    order = ("fresh1", "beta2", "fresh2", "rate", "scale", "eps", "decay", "shrink")
    branch = "ams_bound"
    unsupported = ("rectify", "adanorm")

    def coefficients(self, table: Table, steps: Numbers) -> Mapping[str, Numbers]:
        """What `update` needs, by step and member."""
        beta1, beta2, lr = table["beta1"], table["beta2"], table["lr"]
        found = {
            "fresh1": 1 - beta1,
            "beta2": beta2,
            "fresh2": 1 - beta2,
            "rate": -lr if self._flags["adam_debias"] else -lr / (1 - beta1**steps),
            "scale": 1 / np.sqrt(1 - beta2**steps),
            "eps": table["eps"],
        }
        if not self._flags["weight_decouple"]:
            return {**found, **decay_of(table)}
        decay = table["weight_decay"]
        return {**found, "shrink": 1 - decay * (1.0 if self._flags["fixed_decay"] else lr)}

    def update(self, p: Tensor, g: Tensor, c: Mapping[str, Tensor]) -> None:
        """Make a step."""
        if "shrink" in c:
            p.mul_(c["shrink"])
        decayed(p, g, c)
        mean = self.state["mean"].lerp_(g, c["fresh1"])
        surprise = g.sub_(mean)
        variance = self.state["variance"].mul_(c["beta2"])
        variance.addcmul_(surprise * c["fresh2"], surprise).add_(c["eps"])
        if self._flags["ams_bound"]:
            variance = torch.maximum(self.state["largest"], variance, out=self.state["largest"])
        spread = torch.addcmul(c["eps"], variance.sqrt(), c["scale"])
        p.addcdiv_(torch.mul(mean, c["rate"], out=g), spread)
