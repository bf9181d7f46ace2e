"""A last layer that starts with small weights and the best constant prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from torchclinic.core import Case, Change, LayerFacts, NotApplicable, Recipe, SurgeryError
from torchclinic.graph import LayerNode
from torchclinic.nn import Destandardise
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import number, rounded
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._layers import PLAIN, model_of, weighted
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._sample import Sample
from torchclinic.remedies._treat import treat_code
from torchclinic.remedies.surgery import Anatomy, observe

SCALE = 0.01


@dataclass(frozen=True)
class ShrinkOutputLayer:
    """Scale the last layer's weight down and set its bias.

    Attributes:
        bias: One number for each output, a single one for all, or None to set 0.
        scale: Of the weight.
    """

    bias: tuple[float, ...] | None = None
    scale: float = SCALE
    place: Place = Place.OUTPUT_WEIGHTS

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The same model with other weights."""
        anatomy = observe(model, sample)
        layers = [x for x in anatomy.map.layers if x.output and not x.is_norm]
        if len(layers) != 1:
            found = ", ".join(layer.name for layer in layers) or "none"
            raise SurgeryError(f"the model has no single output layer: {found}")
        weight, bias = _parameters(anatomy, layers[0])
        own_unit = any(isinstance(module, Destandardise) for module in model.modules())
        with torch.no_grad():
            weight.mul_(self.scale)
            if bias is not None:
                _set(bias, None if own_unit else self.bias)
        return model


@register
class SmallOutputLayer(BaseRemedy):
    """Let the untrained model predict the class frequencies, or the mean of the targets."""

    name = "small-output-layer"
    title = "Small output weights, bias at the best constant prediction"
    reason = "the first steps then learn something, instead of undoing confident wrong guesses"
    source = "Karpathy 2019, A Recipe for Training Neural Networks, https://karpathy.github.io"
    place = Place.OUTPUT_WEIGHTS
    edit = ShrinkOutputLayer()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to models with one linear or convolutional output layer."""
        facts = model_of(case)
        outputs = [layer for layer in weighted(facts) if layer.output] if facts else []
        if len(outputs) != 1 or facts is None:
            return NotApplicable(f"the model has {len(outputs)} output layers, not one")
        if outputs[0].kind not in PLAIN:
            return NotApplicable(f"the output layer is a {outputs[0].kind}")
        bias = None if outputs[0].kind == "Parameter" else _best_constant(case)
        edit = ShrinkOutputLayer(bias)
        return self.change(partial(edit_model, edit=edit), _code(self.name, outputs[0], bias))


def _best_constant(case: Case) -> tuple[float, ...] | None:
    """The bias at which a model that ignores its input has the lowest loss; None for 0."""
    if case.recipe is None or case.batch is None:
        return None
    targets, kind = case.batch.targets, case.recipe.loss_kind
    counts = targets.class_counts
    if kind in ("cross-entropy", "nll") and counts and targets.kind == "classes":
        return _log_prior(counts, _width(case))
    if kind in ("bce", "bce-with-logits") and targets.mean is not None and 0 < targets.mean < 1:
        return (rounded(math.log(targets.mean / (1 - targets.mean))),)
    linear = case.recipe.model.output_activation is None
    if kind in ("mse", "l1", "huber") and targets.kind == "real" and targets.mean and linear:
        return (rounded(targets.mean),)
    return None


def _log_prior(table: Mapping[int, int], width: int | None) -> tuple[float, ...] | None:
    if width is None or max(table) >= width or min(table) < 0:
        return None
    total = sum(table.values()) + width  # one row more for each class, so that none has none
    return tuple(rounded(math.log((table.get(c, 0) + 1) / total)) for c in range(width))


def _width(case: Case) -> int | None:
    shape = case.batch.outputs.shape if case.batch and case.batch.outputs else ()
    return shape[1] if len(shape) > 1 else None


def _parameters(anatomy: Anatomy, layer: LayerNode) -> tuple[Tensor, Tensor | None]:
    if layer.module is None:
        return anatomy.model.get_parameter(layer.name), anatomy.bias_of(layer)
    weight, bias = getattr(layer.module, "weight", None), getattr(layer.module, "bias", None)
    if not isinstance(weight, Tensor):
        raise SurgeryError(f"the output layer {layer.name!r} ({layer.kind}) has no weight")
    return weight, bias if isinstance(bias, Tensor) else None


def _set(bias: Tensor, values: tuple[float, ...] | None) -> None:
    if values is None or len(values) not in (1, bias.numel()):
        bias.zero_()
    else:
        bias.copy_(torch.tensor(values, dtype=bias.dtype).expand_as(bias))


def _code(remedy: str, layer: LayerFacts, bias: tuple[float, ...] | None) -> str:
    if layer.kind == "Parameter":
        return treat_code(remedy, f"in __init__: {layer.name} times {SCALE}")
    lines = [
        "import torch",
        "from torch import nn",
        "",
        f"# {layer.name}",
        f"output = [m for m in model.modules() if isinstance(m, nn.{layer.kind})][-1]",
        "with torch.no_grad():",
        f"    output.weight *= {SCALE}",
    ]
    if layer.bias and bias is not None:
        values = ", ".join(number(value) for value in bias)
        call = f"fill_({values})" if len(bias) == 1 else f"copy_(torch.tensor([{values}]))"
        lines.append(f"    output.bias.{call}")
    elif layer.bias:
        lines.append("    output.bias.zero_()")
    return "\n".join(lines)
