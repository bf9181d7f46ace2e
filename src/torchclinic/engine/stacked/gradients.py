"""What is done to the gradients of a stack before its optimizers step."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from torchclinic.core import Penalty, Recipe
from torchclinic.engine.stacked.layout import Layout, Slot
from torchclinic.training.penalties import weight_names

NORM_OFFSET = 1e-6  # what torch.nn.utils.clip_grad_norm_ adds to the norm it divides by


@dataclass(frozen=True)
class Treatment:
    """Penalties and clipping of all members: which ones they share; how strong each member's are.

    Attributes:
        penalties: For each penalty, whether it is L1, the parameters it weighs, and the factor
            of its gradient for each member.
        clip_norm: Each member's, or None.
        clip_value: Each member's, or None.
    """

    penalties: tuple[tuple[bool, tuple[Slot, ...], Tensor], ...]
    clip_norm: Tensor | None
    clip_value: Tensor | None

    @property
    def needed(self) -> bool:
        """Whether anything is done at all."""
        return bool(self.penalties) or self.clip_norm is not None or self.clip_value is not None

    def apply(self, parameters: Tensor, gradients: Tensor) -> Tensor | None:
        """Do it, in the order of the training loop, in place.

        Returns:
            The norm of each member's gradient before it was clipped, if it is clipped by norm.
        """
        for absolute, slots, factor in self.penalties:
            for slot in slots:
                p, g = (flat[:, slot.start : slot.stop] for flat in (parameters, gradients))
                g.addcmul_(torch.sgn(p) if absolute else p, factor)
        norm = None
        if self.clip_norm is not None:
            norm = torch.linalg.vector_norm(gradients, dim=1)
            factor = (self.clip_norm / (norm + NORM_OFFSET)).clamp(max=1.0)
            gradients.mul_(factor[:, None])
        if self.clip_value is not None:
            torch.clamp(gradients, -self.clip_value, self.clip_value, out=gradients)
        return norm

    def keep(self, rows: Tensor) -> Treatment:
        """The treatment of some of the members."""
        return Treatment(
            tuple((absolute, slots, factor[rows]) for absolute, slots, factor in self.penalties),
            None if self.clip_norm is None else self.clip_norm[rows],
            None if self.clip_value is None else self.clip_value[rows],
        )


def treatment(
    recipes: Sequence[Recipe], model: nn.Module, layout: Layout, like: Tensor
) -> Treatment:
    """The treatment that the members' recipes ask for; they agree in all but its strength."""

    def column(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64).to(like.device, like.dtype)

    penalties: list[tuple[bool, tuple[Slot, ...], Tensor]] = []
    named, weights_of = dict(model.named_parameters()), weight_names(model)
    for number, penalty in enumerate(recipes[0].penalties):
        weights = [recipe.penalties[number].weight for recipe in recipes]
        factor = column([w if penalty.kind == "l1" else 2 * w for w in weights])[:, None]
        slots = tuple(s for s in layout.slots if weighs(penalty, s.name, named, weights_of))
        penalties.append((penalty.kind == "l1", slots, factor))
    norms = [recipe.clip_norm for recipe in recipes]
    values = [recipe.clip_value for recipe in recipes]
    return Treatment(
        tuple(penalties),
        column([float(n) for n in norms if n is not None]) if norms[0] is not None else None,
        column([float(v) for v in values if v is not None])[:, None]
        if values[0] is not None
        else None,
    )


def weighs(
    penalty: Penalty, name: str, named: Mapping[str, nn.Parameter], weights: Collection[str]
) -> bool:
    """Whether a penalty counts a parameter, as `training.penalties` has it."""
    if not fnmatchcase(name, penalty.parameters) or not named[name].requires_grad:
        return False
    weight = name in weights and named[name].dim() >= 2
    return weight or not penalty.skip_norms_and_biases


def treatment_key(recipe: Recipe) -> tuple[object, ...]:
    """What of penalties and clipping members must share."""
    kinds = tuple((p.kind, p.parameters, p.skip_norms_and_biases) for p in recipe.penalties)
    return kinds, recipe.clip_norm is None, recipe.clip_value is None
