"""AdamW instead of an optimizer with one step size for all weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn
from torch.optim import AdamW, Optimizer

from torchclinic.core import Case, Change, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import number, rounded
from torchclinic.remedies._edited_optimizer import edit_optimizer
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register

RATE = 1e-3  # Adam's default, Kingma and Ba 2015, algorithm 1
DECAY = 0.01  # torch's default for AdamW
ADAPTIVE = ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adafactor", "SparseAdam", "Muon")


@dataclass(frozen=True)
class UseAdamW:
    """AdamW over the same groups, which keep the ratios of their learning rates."""

    rate: float
    decay: float
    place: Place = Place.OPTIMIZER

    def __call__(self, optimizer: Optimizer, model: nn.Module) -> Optimizer:  # noqa: ARG002
        """The new optimizer."""
        first = float(optimizer.param_groups[0].get("lr", 0.0))
        groups: list[dict[str, Any]] = []
        for group in optimizer.param_groups:
            ratio = float(group.get("lr", 0.0)) / first if first else 1.0
            groups.append({"params": group["params"], "lr": self.rate * ratio})
        return AdamW(groups, lr=self.rate, weight_decay=self.decay)


@register
class UseAdaptiveSteps(BaseRemedy):
    """Replace the optimizer by AdamW.

    A suggestion of the range test is taken over only if it was measured with an optimizer of the
    same family: the usable rates of SGD and Adam differ by orders of magnitude.
    """

    name = "adamw"
    title = "AdamW"
    reason = "each weight gets a step of its own size, so layers with small gradients move too"
    source = "Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization, arXiv 1711.05101"
    place = Place.OPTIMIZER

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to every optimizer that is not of Adam's family already."""
        name = case.recipe.optimizer.name if case.recipe else ""
        decayed = case.recipe is not None and case.recipe.optimizer.weight_decay > 0
        if name in ADAPTIVE and not (name == "Adam" and decayed):
            return NotApplicable(f"{name} adapts its steps already")
        rate = self._rate(case, name)
        code = (
            f"import torch\n\noptimizer = torch.optim.AdamW("
            f"model.parameters(), lr={number(rate)}, weight_decay={DECAY})"
        )
        title = f"AdamW with learning rate {rate:g}" + (f" instead of {name}" if name else "")
        return self.change(partial(edit_optimizer, edit=UseAdamW(rate, DECAY)), code, title=title)

    def _rate(self, case: Case, name: str) -> float:
        if name != "Adam" or case.recipe is None:
            return RATE
        suggestion = case.lr_range.suggestion if case.lr_range else None
        return rounded(suggestion or case.recipe.optimizer.learning_rate)
