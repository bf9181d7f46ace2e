"""An optimizer over exactly the trainable parameters of the model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn
from torch.optim import Optimizer

from torchclinic.core import Case, Change, NotApplicable, OptimizerFacts, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import constructor
from torchclinic.remedies._edited_optimizer import edit_optimizer, regroup
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register


@dataclass(frozen=True)
class HoldAllParameters:
    """Each trainable parameter of the model once, in its own group where it had one."""

    place: Place = Place.OPTIMIZER

    def __call__(self, optimizer: Optimizer, model: nn.Module) -> Optimizer:
        """Drop foreign and repeated parameters and give missing ones to the first group."""
        missing = {id(p): p for p in model.parameters() if p.requires_grad}
        groups = [dict(group) for group in optimizer.param_groups]
        for group in groups:
            mine = [p for p in group["params"] if id(p) in missing]
            group["params"] = list({id(p): p for p in mine}.values())
            for parameter in group["params"]:
                missing.pop(id(parameter), None)
        groups[0]["params"] += missing.values()
        return regroup(optimizer, [group for group in groups if group["params"]])


@register
class RebuildOptimizer(BaseRemedy):
    """Let the optimizer hold every trainable parameter of the model, once, and nothing else."""

    name = "rebuild-optimizer"
    title = "An optimizer over all parameters of the model"
    reason = "a parameter that the optimizer does not hold is never updated"
    source = "torch.optim, https://docs.pytorch.org/docs/stable/optim.html"
    place = Place.OPTIMIZER

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies when the optimizer misses, repeats or has foreign parameters."""
        facts = case.recipe.optimizer if case.recipe else None
        if facts is None:
            return NotApplicable("the optimizer's parameters are not known")
        if not (facts.missing or facts.foreign or facts.repeated):
            return NotApplicable("the optimizer holds each trainable parameter once")
        return self.change(
            partial(edit_optimizer, edit=HoldAllParameters()),
            _code(recipe, facts),
            title=f"{self.title} ({_wrong(facts)})",
        )


def _wrong(facts: OptimizerFacts) -> str:
    counts = {
        "missing": len(facts.missing),
        "foreign": facts.foreign,
        "repeated": len(facts.repeated),
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def _code(recipe: Recipe, facts: OptimizerFacts) -> str:
    made = constructor(recipe.optimizer, {}) or (
        f"optimizer = torch.optim.{facts.name}(model.parameters(), lr={facts.learning_rate!r})"
    )
    return f"import torch\n\n{made}  # after the last change of the model"
