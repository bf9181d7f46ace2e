"""Weights scaled by what they do to real rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from torchclinic.core import Case, Change, NotApplicable, Recipe, SurgeryError
from torchclinic.init import lsuv_
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._layers import PLAIN, model_of, weighted
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._sample import Sample


@dataclass(frozen=True)
class ScaleToUnitVariance:
    """Orthonormal weights, scaled until each layer's output has unit variance on the sample."""

    place: Place = Place.WEIGHTS

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The same model with new weights."""
        if sample is None:
            raise SurgeryError("there are no rows to measure the layers' outputs on")
        report = lsuv_(model, sample.on(model).forward)
        if not report.filled:
            reason = report.left[0].method if report.left else "no linear layer ran"
            raise SurgeryError(f"no layer could be scaled: {reason}")
        return model


@register
class LsuvInit(BaseRemedy):
    """Layer-sequential unit variance: measured on training rows, layer by layer."""

    name = "lsuv-init"
    title = "Layer-sequential unit-variance initialisation"
    reason = "each layer's output gets variance 1 on real rows, whatever stands between the layers"
    source = "Mishkin and Matas 2015, All you need is a good init, arXiv 1511.06422"
    place = Place.WEIGHTS
    edit = ScaleToUnitVariance()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to models with trainable linear or convolutional layers."""
        facts = model_of(case)
        layers = [layer for layer in weighted(facts) if layer.kind in PLAIN] if facts else []
        if not any(layer.trainable for layer in layers):
            return NotApplicable("no trainable linear or convolutional layer is known")
        return self.change(partial(edit_model, edit=self.edit), _CODE)


_CODE = """
from torchclinic.init import lsuv_

lsuv_(model, lambda model: model(train_inputs[:64]))
"""
