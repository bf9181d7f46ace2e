"""Weight decay on weight matrices, none on norms and biases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn
from torch.optim import AdamW, Optimizer

from torchclinic.core import Applicability, Case, Change, NotApplicable, OptimizerFacts, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import number
from torchclinic.remedies._edited_optimizer import edit_optimizer, regroup
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register

# Decoupled: Loshchilov and Hutter search 0.0025 to 0.1; 0.05 is what vision transformers use
# (Touvron et al. 2021). As a gradient term: 5e-4, Krizhevsky et al. 2012, section 5.
DECOUPLED = 0.05
COUPLED = 5e-4
STRONGER = 5.0  # times what is there already
LARGEST = {True: 0.5, False: 0.01}
DECOUPLED_OPTIMIZERS = ("AdamW", "Adam")


@dataclass(frozen=True)
class DecayWeights:
    """Decay parameters with two or more dimensions; leave scales, shifts and biases alone."""

    decay: float
    place: Place = Place.OPTIONS

    def __call__(self, optimizer: Optimizer, model: nn.Module) -> Optimizer:  # noqa: ARG002
        """Split each group in two. Adam becomes AdamW, in which the decay is decoupled."""
        groups: list[dict[str, Any]] = []
        for group in optimizer.param_groups:
            for decay, chosen in self._parts(group["params"]):
                if chosen:
                    groups.append({**group, "params": chosen, "weight_decay": decay})
        if type(optimizer).__name__ == "Adam":
            return _decoupled(groups)
        optimizer.defaults["weight_decay"] = self.decay
        return regroup(optimizer, groups)

    def _parts(self, parameters: list[nn.Parameter]) -> list[tuple[float, list[nn.Parameter]]]:
        weights = [p for p in parameters if p.dim() >= 2]
        return [(self.decay, weights), (0.0, [p for p in parameters if p.dim() < 2])]


@register
class WeightDecay(BaseRemedy):
    """Decay the weights towards 0, or faster than now; norms and biases are exempt."""

    name = "weight-decay"
    title = "Weight decay"
    applicability = Applicability.SAFE
    reason = "weights that do not serve the loss shrink, so the function becomes smoother"
    source = "Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization, arXiv 1711.05101"
    place = Place.OPTIONS

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to optimizers that know weight decay, below an upper limit."""
        facts = case.recipe.optimizer if case.recipe else None
        if facts is None or facts.name in ("LBFGS", "Rprop", "SparseAdam"):
            known = f"{facts.name} has no weight decay" if facts else "the optimizer is not known"
            return NotApplicable(known)
        decay = _wanted(facts)
        if decay <= facts.weight_decay:
            return NotApplicable(f"the weight decay is {facts.weight_decay:g} already")
        edit = DecayWeights(decay)
        title = f"Weight decay of {decay:g} on weights, none on norms and biases"
        return self.change(partial(edit_optimizer, edit=edit), _code(facts, decay), title=title)


def _wanted(facts: OptimizerFacts) -> float:
    decoupled = facts.name in DECOUPLED_OPTIMIZERS
    usual = DECOUPLED if decoupled else COUPLED
    if facts.weight_decay < usual:
        return usual
    return min(STRONGER * facts.weight_decay, LARGEST[decoupled])


def _decoupled(groups: list[dict[str, Any]]) -> Optimizer:
    shared = ("params", "lr", "betas", "eps", "weight_decay", "amsgrad")
    return AdamW([{key: group[key] for key in shared} for group in groups])


def _code(facts: OptimizerFacts, decay: float) -> str:
    name = "AdamW" if facts.name == "Adam" else facts.name
    extra = f", momentum={facts.momentum:g}" if name == "SGD" and facts.momentum else ""
    return f"""
import torch

weights = [p for p in model.parameters() if p.dim() >= 2]
norms_and_biases = [p for p in model.parameters() if p.dim() < 2]
groups = [
    {{"params": weights, "weight_decay": {number(decay)}}},
    {{"params": norms_and_biases, "weight_decay": 0.0}},
]
optimizer = torch.optim.{name}(groups, lr={number(facts.learning_rate)}{extra})
"""
