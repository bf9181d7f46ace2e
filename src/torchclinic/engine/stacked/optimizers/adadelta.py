"""Adadelta."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from torchclinic.engine.stacked.optimizers.rule import Numbers, Rule, Table, decay_of, decayed


class AdadeltaRule(Rule):
    r"""$d = g \sqrt{u + \epsilon} / \sqrt{s + \epsilon}$, $w \leftarrow w - \eta d$.

    $s$ and $u$ are running means of $g^2$ and $d^2$.
    """

    numbers = ("lr", "rho", "eps", "weight_decay")
    flags = ("maximize",)
    buffers = ("square", "moved")
    kernel = "adadelta"
    order = ("rho", "fresh", "eps", "rate", "decay")

    def coefficients(self, table: Table, steps: Numbers) -> Mapping[str, Numbers]:
        """What `update` needs, by step and member."""
        del steps  # every step is alike
        rho = table["rho"]
        kept = {"rho": rho, "fresh": 1 - rho, "eps": table["eps"], "rate": -table["lr"]}
        return {**kept, **decay_of(table)}

    def update(self, p: Tensor, g: Tensor, c: Mapping[str, Tensor]) -> None:
        """Make a step."""
        decayed(p, g, c)
        square = self.state["square"].mul_(c["rho"]).addcmul_(g * c["fresh"], g)
        moved = self.state["moved"]
        delta = moved.add(c["eps"]).sqrt_().div_(square.add(c["eps"]).sqrt_()).mul_(g)
        moved.mul_(c["rho"]).addcmul_(delta * c["fresh"], delta)
        p.addcmul_(delta, c["rate"])
