"""How an arm's stacks are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from torchclinic.core import Recipe
from torchclinic.engine.stacked.blueprint import Blueprint, device_of
from torchclinic.engine.stacked.chunking import chunk_size
from torchclinic.engine.stacked.layout import lay_out
from torchclinic.engine.stacked.mapped import MappedNetwork, why_not_mapped
from torchclinic.engine.stacked.mass import Mass
from torchclinic.engine.stacked.mlp import Link, MLPNetwork, links_of
from torchclinic.engine.stacked.mlp.dropout import Draws
from torchclinic.engine.stacked.mlp.losses import why_no_loss
from torchclinic.engine.stacked.network import Network
from torchclinic.engine.stacked.trial import disagreement

Kind = Literal["perceptron", "mapped"]
Make = Callable[[Sequence[Recipe], Sequence[nn.Module], Mass, Draws], Network]
_ACTIVATIONS_A_FEATURE = 4  # values kept for each of a layer's outputs in a step
# A step under vmap costs some 3 ms besides its arithmetic, one of a model alone 0.3 ms.
MAPPED_FROM = 12  # members
_MOST_ON_A_GPU = 1024  # members


@dataclass(frozen=True)
class Choice:
    """How an arm's stacks are computed.

    Attributes:
        kind: The kind of network.
        size: Most members at a time.
        make: Makes the network.
    """

    kind: Kind
    size: int
    make: Make


def choose_network(recipe: Recipe, blueprint: Blueprint, members: int) -> Choice | str:
    """The fastest network that computes what the arm's model computes; or why there is none.

    Each is tried on one batch against the model itself.

    Args:
        recipe: The arm's.
        blueprint: The arm's.
        members: How many there would be, if all went together.
    """
    links = links_of(blueprint.model)
    size = _size(recipe, blueprint)
    if links is not None and all(p.requires_grad for p in blueprint.model.parameters()):
        make = _perceptron(links)
        if not _why_no_formula(recipe, blueprint) and not disagreement(recipe, blueprint, make):
            return Choice("perceptron", size, make)
    if torch.device(recipe.device).type == "cpu" and min(size, members) < MAPPED_FROM:
        return f"mapped over {min(size, members)} members it would be slower here than alone"
    why = why_not_mapped(recipe, blueprint) or disagreement(recipe, blueprint, _mapped)
    return Choice("mapped", size, _mapped) if why is None else why


def _perceptron(links: Sequence[Link]) -> Make:
    def make(
        recipes: Sequence[Recipe], models: Sequence[nn.Module], mass: Mass, draws: Draws
    ) -> Network:
        return MLPNetwork(links, models, mass, [recipe.loss for recipe in recipes], draws)

    return make


def _mapped(
    recipes: Sequence[Recipe], models: Sequence[nn.Module], mass: Mass, draws: Draws
) -> Network:
    return MappedNetwork(recipes, models, mass, draws)


def _why_no_formula(recipe: Recipe, blueprint: Blueprint) -> str | None:
    """Why the loss cannot be computed by hand."""
    rows = blueprint.rows
    try:
        outputs = _outputs(blueprint)
    except Exception as error:  # noqa: BLE001 - the run itself will tell of it
        return f"the forward pass raised {type(error).__name__}"
    same = outputs.dim() == 2 and rows.inputs.dtype == outputs.dtype
    return why_no_loss(recipe.loss, outputs, rows.targets) if same else "no row of outputs"


def _outputs(blueprint: Blueprint) -> Tensor:
    """Outputs of a small batch, in evaluation mode."""
    x = blueprint.rows.inputs[:2].to(device_of(blueprint))
    model = blueprint.model.eval()
    try:
        with torch.no_grad():
            return model(x)
    finally:
        model.train()


def _size(recipe: Recipe, blueprint: Blueprint) -> int:
    """Members whose tensors fit the cache together."""
    if torch.device(recipe.device).type != "cpu":
        return _MOST_ON_A_GPU
    layout = lay_out(blueprint.model, blueprint.groups)
    parameters = next(p for p in blueprint.model.parameters() if p.requires_grad)
    features = sum(s.shape[0] for s in layout.slots if len(s.shape) > 1)
    inputs = blueprint.rows.inputs[0].numel()
    kept = inputs + _ACTIVATIONS_A_FEATURE * features
    held = layout.size + kept * blueprint.rows.size
    return chunk_size(held * parameters.element_size())
