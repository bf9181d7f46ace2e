"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from torchclinic.engine.stacked.optimizers.rule import Numbers, Rule, Table, decay_of, decayed


class AdamRule(Rule):
    r"""$w \leftarrow w - \eta \hat m / (\sqrt{\hat v} + \epsilon)$; as torch's Adam and AdamW.

    With decoupled weight decay the weights shrink by $1 - \eta \lambda$ instead of the gradient's
    growing by $\lambda w$.
    """

    numbers = ("lr", "beta1", "beta2", "eps", "weight_decay")
    flags = ("amsgrad", "decoupled_weight_decay", "maximize")
    buffers = ("mean", "square", "largest")
    kernel = "adam"
    order = ("fresh1", "beta2", "fresh2", "rate", "scale", "eps", "decay", "shrink")
    branch = "amsgrad"

    def coefficients(self, table: Table, steps: Numbers) -> Mapping[str, Numbers]:
        """What `update` needs, by step and member."""
        beta1, beta2 = table["beta1"], table["beta2"]
        found = {
            "fresh1": 1 - beta1,
            "beta2": beta2,
            "fresh2": 1 - beta2,
            "rate": -table["lr"] / (1 - beta1**steps),
            "scale": 1 / np.sqrt(1 - beta2**steps),
            "eps": table["eps"],
        }
        return {**found, **decays(table, decoupled=self._flags["decoupled_weight_decay"])}

    def update(self, p: Tensor, g: Tensor, c: Mapping[str, Tensor]) -> None:
        """Make a step."""
        shrunk(p, g, c)
        mean = self.state["mean"].lerp_(g, c["fresh1"])
        square = self.state["square"].mul_(c["beta2"]).addcmul_(g * c["fresh2"], g)
        if self._flags["amsgrad"]:
            square = torch.maximum(self.state["largest"], square, out=self.state["largest"])
        spread = torch.addcmul(c["eps"], square.sqrt(), c["scale"])
        p.addcdiv_(torch.mul(mean, c["rate"], out=g), spread)


def decays(table: Table, *, decoupled: bool) -> Mapping[str, Numbers]:
    """The coefficient of whichever weight decay it is, where any member has one."""
    if not decoupled or not table["weight_decay"].any():
        return decay_of(table)
    return {"shrink": 1 - table["lr"] * table["weight_decay"]}


def shrunk(p: Tensor, g: Tensor, c: Mapping[str, Tensor]) -> None:
    """Apply whichever weight decay it is."""
    if "shrink" in c:
        p.mul_(c["shrink"])
    decayed(p, g, c)
