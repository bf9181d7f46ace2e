"""Batch normalisation between hidden layers and their activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from torch import nn

from torchclinic.core import (
    Applicability,
    Case,
    Change,
    LayerFacts,
    ModelFacts,
    NotApplicable,
    Recipe,
)
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import names
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._layers import CONVOLUTIONAL, are_sure, model_of, names_tell, without_norm
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._sample import Sample
from torchclinic.remedies._treat import treat_code
from torchclinic.remedies.surgery import observe
from torchclinic.remedies.surgery.norms import batch_norms
from torchclinic.remedies.surgery.wrapping import accompany

SMALLEST_BATCH = 8  # rows; below that the statistics are too noisy, Wu and He 2018, figure 1


@dataclass(frozen=True)
class InsertBatchNorm:
    """Put a batch norm behind each hidden layer that lacks a norm, and drop the layer's bias."""

    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The changed model."""
        anatomy = observe(model, sample)
        return accompany(anatomy, batch_norms(anatomy))


@register
class BatchNorm(BaseRemedy):
    """Put a BatchNorm between each hidden layer and its activation.

    The layer's bias is dropped, since the norm subtracts it again. Layers with a norm, the output
    layer, sequences and batches of a few rows are left alone.
    """

    name = "batch-norm"
    title = "BatchNorm before the hidden activations"
    applicability = Applicability.UNSAFE
    reason = "each unit's pre-activation is brought to mean 0 and variance 1 at every step"
    source = "Ioffe and Szegedy 2015, Batch Normalization, arXiv 1502.03167"
    place = Place.MODEL
    edit = InsertBatchNorm()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies to hidden layers without a norm, with batches of at least 8 rows."""
        facts = model_of(case)
        if facts is None:
            return NotApplicable("the model is not known")
        reason = _sequence(case) or _small_batches(recipe, case)
        if reason:
            return NotApplicable(reason)
        layers = without_norm(facts)
        if not layers:
            return NotApplicable("each hidden layer with an activation has a norm")
        code = _code(self.name, facts, layers)
        return self.change(partial(edit_model, edit=self.edit), code)


def _sequence(case: Case) -> str:
    kind = case.batch.inputs.kind if case.batch else ""
    facts = model_of(case)
    if kind in ("sequence", "tokens") or (facts and (facts.recurrent or facts.embedding)):
        return "rows of a sequence are no independent samples: use layer-norm"
    return ""


def _small_batches(recipe: Recipe, case: Case) -> str:
    rows = case.recipe.train_rows if case.recipe else None
    size = recipe.batch_size or (case.recipe.batch_size if case.recipe else None)
    if size is not None and size < SMALLEST_BATCH:
        return f"batches of {size} rows are too small for batch statistics: use layer-norm"
    if size is not None and rows is not None and rows % size == 1:
        return f"the last of {rows} rows is a batch of its own and has no variance: use layer-norm"
    return ""


def _code(remedy: str, facts: ModelFacts, layers: Sequence[LayerFacts]) -> str:
    kinds = {layer.kind for layer in layers}
    if not names_tell(facts, layers) or not kinds <= _NORMS.keys():
        after = ", ".join(layer.name for layer in layers)
        by_hand = f"in __init__ and forward(): a BatchNorm after {after}"
        return treat_code(remedy, by_hand if are_sure(facts, layers) else "")
    blocks = [_loop([x for x in layers if x.kind == kind], kind) for kind in sorted(kinds)]
    return "from torch import nn\n\n" + "\n".join(blocks)


def _loop(layers: Sequence[LayerFacts], kind: str) -> str:
    size = "out_channels" if kind in CONVOLUTIONAL else "out_features"
    return (
        f"for name in {names(layer.name for layer in layers)}:\n"
        "    layer = model.get_submodule(name)\n"
        "    layer.bias = None  # the norm subtracts it\n"
        f"    norm = nn.{_NORMS[kind]}(layer.{size})\n"
        "    model.set_submodule(name, nn.Sequential(layer, norm))"
    )


_NORMS = {
    "Linear": "BatchNorm1d",
    "Conv1d": "BatchNorm1d",
    "Conv2d": "BatchNorm2d",
    "Conv3d": "BatchNorm3d",
    "ConvTranspose1d": "BatchNorm1d",
    "ConvTranspose2d": "BatchNorm2d",
    "ConvTranspose3d": "BatchNorm3d",
}
