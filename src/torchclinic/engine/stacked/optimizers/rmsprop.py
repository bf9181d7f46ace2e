"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from torchclinic.engine.stacked.optimizers.rule import Numbers, Rule, Table, decay_of, decayed


class RMSpropRule(Rule):
    r"""$w \leftarrow w - \eta g / (\sqrt s + \epsilon)$ with the running mean $s$ of $g^2$."""

    numbers = ("lr", "alpha", "eps", "weight_decay", "momentum")
    flags = ("centered", "maximize")
    buffers = ("square", "mean", "momentum")
    kernel = "rmsprop"
    order = ("alpha", "fresh", "eps", "rate", "momentum", "decay")
    branch = "centered"

    def coefficients(self, table: Table, steps: Numbers) -> Mapping[str, Numbers]:
        """What `update` needs, by step and member."""
        del steps  # every step is alike
        alpha = table["alpha"]
        found = {"alpha": alpha, "fresh": 1 - alpha, "eps": table["eps"], "rate": -table["lr"]}
        if table["momentum"].any():
            found["momentum"] = table["momentum"]
        return {**found, **decay_of(table)}

    def update(self, p: Tensor, g: Tensor, c: Mapping[str, Tensor]) -> None:
        """Make a step."""
        decayed(p, g, c)
        square = self.state["square"].mul_(c["alpha"]).addcmul_(g * c["fresh"], g)
        if self._flags["centered"]:
            mean = self.state["mean"].lerp_(g, c["fresh"])
            spread = square.addcmul(mean, mean, value=-1).sqrt_()
        else:
            spread = square.sqrt()
        spread.add_(c["eps"])
        if "momentum" in c:
            buffer = self.state["momentum"].mul_(c["momentum"]).addcdiv_(g, spread)
            p.addcmul_(buffer, c["rate"])
        else:
            p.addcdiv_(g.mul_(c["rate"]), spread)
