"""Adagrad."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from torchclinic.engine.stacked.optimizers.rule import Numbers, Rule, Table, decay_of, decayed


class AdagradRule(Rule):
    r"""$s \leftarrow s + g^2$, $w \leftarrow w - \eta g / (\sqrt s + \epsilon)$."""

    numbers = ("lr", "lr_decay", "weight_decay", "eps", "initial_accumulator_value")
    flags = ("maximize",)
    buffers = ("sum",)
    kernel = "adagrad"
    order = ("rate", "eps", "decay")

    def begin(self, first: Table) -> None:
        """Set the state before the first step."""
        self.state["sum"] += torch.from_numpy(first["initial_accumulator_value"][0])[:, None].to(
            self._like
        )

    def coefficients(self, table: Table, steps: Numbers) -> Mapping[str, Numbers]:
        """What `update` needs, by step and member."""
        rate = -table["lr"] / (1 + (steps - 1) * table["lr_decay"])
        return {"rate": rate, "eps": table["eps"], **decay_of(table)}

    def update(self, p: Tensor, g: Tensor, c: Mapping[str, Tensor]) -> None:
        """Make a step."""
        decayed(p, g, c)
        total = self.state["sum"].addcmul_(g, g)
        p.addcdiv_(g.mul_(c["rate"]), total.sqrt().add_(c["eps"]))
