"""Dropout on the inputs of layers that follow a hidden activation or a recurrent layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from torch import nn

from torchclinic.core import (
    Applicability,
    Case,
    Change,
    LayerFacts,
    ModelFacts,
    NotApplicable,
    Recipe,
    SurgeryError,
)
from torchclinic.graph import LayerNode, Role
from torchclinic.graph.layer_kinds import RECURRENT
from torchclinic.graph.op_kinds import LOOKED_THROUGH
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import names
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._layers import (
    CONVOLUTIONAL,
    PLAIN,
    are_sure,
    model_of,
    names_tell,
    weighted,
)
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._sample import Sample
from torchclinic.remedies._treat import treat_code
from torchclinic.remedies.surgery import Anatomy, observe
from torchclinic.remedies.surgery.wrapping import Companion, accompany

RATE = 0.2  # the specification's choice; 0.5 of Srivastava et al. is for very wide layers
RATE_OF_MAPS = 0.1  # whole channels: the maps of a convolution are few
STEP = 0.15
LARGEST = 0.5
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


@dataclass(frozen=True)
class InsertDropout:
    """Put dropout before each layer that follows a hidden activation or a recurrent layer.

    A model that has dropout modules gets a higher rate in them instead.
    """

    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The changed model."""
        present = _with_rate(model)
        if present:
            _raise(present)
            return model
        anatomy = observe(model, sample)
        layers = [layer for layer in anatomy.map.layers if _follows_activation(anatomy, layer)]
        return accompany(anatomy, [_dropout(anatomy, layer) for layer in layers])


@register
class Dropout(BaseRemedy):
    """Drop hidden units at random while training, or more of them than now.

    Dropout stands behind the hidden activations, before the next layer; whole channels are dropped
    before a convolution. Nothing is dropped from the model's input and output, nor before a layer
    with a norm, whose statistics would shift.
    """

    name = "dropout"
    title = "Dropout after the hidden activations"
    applicability = Applicability.UNSAFE
    reason = "units cannot rely on each other, so the net learns fewer accidents of the data"
    source = "Srivastava et al. 2014, Dropout, JMLR 15; Tompson et al. 2015, arXiv 1411.4280"
    place = Place.MODEL
    edit = InsertDropout()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to hidden activations without dropout, or with a rate below 0.5."""
        facts = model_of(case)
        if facts is None:
            return NotApplicable("the model is not known")
        if facts.dropout is not None:
            return self._more(facts, facts.dropout)
        layers = _after_activation(facts)
        if not layers:
            return NotApplicable("no layer without a norm follows a hidden activation")
        return self.change(partial(edit_model, edit=self.edit), _code(self.name, facts, layers))

    def _more(self, facts: ModelFacts, rate: float) -> Change | NotApplicable:
        if rate >= LARGEST:
            return NotApplicable(f"the model has a dropout of {rate:g} already")
        code = (
            "from torch import nn\n\nfor module in model.modules():\n"
            "    if isinstance(module, (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)):\n"
            f"        module.p = max(module.p, min({LARGEST}, module.p + {STEP}))"
        )
        if facts.recurrent:
            code += (
                "\n    if isinstance(module, nn.RNNBase) and module.dropout > 0:\n"
                "        rate = module.dropout\n"
                f"        module.dropout = max(rate, min({LARGEST}, rate + {STEP}))"
            )
        title = f"Dropout of {min(LARGEST, rate + STEP):g} instead of {rate:g}"
        return self.change(partial(edit_model, edit=self.edit), code, title=title)


def _with_rate(model: nn.Module) -> list[tuple[Any, str]]:
    """Modules that drop, and the name of their rate."""
    dropouts = [module for module in model.modules() if isinstance(module, _DROPOUTS)]
    recurrent = [m for m in model.modules() if isinstance(m, nn.RNNBase) and m.dropout > 0]
    return [*((m, "p") for m in dropouts), *((m, "dropout") for m in recurrent)]


def _raise(present: Sequence[tuple[Any, str]]) -> None:
    before = [float(getattr(module, name)) for module, name in present]
    if all(rate >= LARGEST for rate in before):
        raise SurgeryError(f"the model has a dropout of {max(before):g} already")
    for (module, name), rate in zip(present, before, strict=True):
        setattr(module, name, max(rate, min(LARGEST, rate + STEP)))


def _follows_activation(anatomy: Anatomy, layer: LayerNode) -> bool:
    if layer.kind not in PLAIN or layer.normalised or layer.calls != 1:
        return False
    met = list(anatomy.graph.back(anatomy.op_of(layer).inputs, LOOKED_THROUGH | {Role.ADD}))
    if any(op.role in (Role.DROPOUT, Role.NORM) for op in met):
        return False
    hidden = anatomy.hidden_activations()
    return any(op in hidden or op.name in RECURRENT for op in met)


def _dropout(anatomy: Anatomy, layer: LayerNode) -> Companion:
    maps = layer.kind in CONVOLUTIONAL
    shape = anatomy.map.ops[anatomy.op_of(layer).inputs[0]].shape
    kind = {4: nn.Dropout2d, 5: nn.Dropout3d}.get(len(shape), nn.Dropout1d) if maps else nn.Dropout
    make = partial(kind, RATE_OF_MAPS if maps else RATE)
    return Companion(layer, make, before=True, suffix="dropout")


def _after_activation(facts: ModelFacts) -> list[LayerFacts]:
    layers = weighted(facts)
    return [
        layer
        for before, layer in pairwise(layers)
        if layer.kind in PLAIN
        and not layer.normalised
        and (before.activation is not None or before.kind in RECURRENT)
    ]


def _code(remedy: str, facts: ModelFacts, layers: Sequence[LayerFacts]) -> str:
    if facts.residual or not names_tell(facts, layers):
        before = ", ".join(layer.name for layer in layers)
        sure = are_sure(facts, layers) and not facts.residual
        by_hand = f"in forward(): F.dropout(x, {RATE}) before {before}"
        return treat_code(remedy, by_hand if sure else "")
    blocks = []
    for kind in dict.fromkeys(_class(layer) for layer in layers):
        same = [layer.name for layer in layers if _class(layer) == kind]
        rate = RATE if kind == "Dropout" else RATE_OF_MAPS
        blocks.append(
            f"for name in {names(same)}:\n"
            "    layer = model.get_submodule(name)\n"
            f"    model.set_submodule(name, nn.Sequential(nn.{kind}({rate}), layer))"
        )
    return "from torch import nn\n\n" + "\n".join(blocks)


def _class(layer: LayerFacts) -> str:
    return f"Dropout{layer.kind[-2]}d" if layer.kind in CONVOLUTIONAL else "Dropout"
