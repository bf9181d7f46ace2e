"""Which loss fits the outputs and the targets of a case."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from torch import nn

from torchclinic.core import BatchFacts, Case, NotApplicable, RecipeFacts
from torchclinic.core.recipe import LossFunction
from torchclinic.remedies._losses import (
    NumberedCrossEntropyLoss,
    OneHotCrossEntropyLoss,
    ShapedBCEWithLogitsLoss,
    ShapedHuberLoss,
    ShapedL1Loss,
    ShapedMSELoss,
)
from torchclinic.remedies._output_range import VALUE_LOSSES, out_of_reach

SCORES = ("cross-entropy", "bce-with-logits")
PROBABILITIES = ("sigmoid", "hardsigmoid", "softmax")


@dataclass(frozen=True)
class Fit:
    """A loss that fits.

    Attributes:
        loss: The loss.
        title: One line.
        code: Lines that make it.
        drops_activation: Whether the model's output activation has to go.
    """

    loss: LossFunction
    title: str
    code: str
    drops_activation: bool = False


def fitting_loss(loss: LossFunction, case: Case) -> Fit | NotApplicable:
    """The loss that fits, or why the present one is kept.

    Args:
        loss: The present loss.
        case: With facts of recipe and batch.
    """
    recipe, batch = case.recipe, case.batch
    if recipe is None or batch is None or batch.outputs is None:
        return NotApplicable("outputs and targets are not known")
    if batch.initial_loss is not None and batch.initial_loss < 0:
        recipe = dataclasses.replace(recipe, loss_kind="custom")  # none of the known is negative
    elif recipe.loss_kind == "custom":
        return NotApplicable(f"{recipe.loss} is a loss of your own, which is not judged")
    kind = _kind_of_targets(recipe, batch)
    if kind == "classes":
        return _classes(recipe, batch)
    if kind == "binary":
        return _binary(recipe, batch)
    if kind == "real":
        return _quantity(loss, case, recipe, batch)
    return NotApplicable(f"targets of kind {kind!r} have no usual loss")


def _kind_of_targets(recipe: RecipeFacts, batch: BatchFacts) -> str:
    """How the targets are to be read: "classes", "binary", "real", or "none"."""
    kind = batch.targets.kind
    if kind == "one-hot":
        return "classes"
    if kind == "classes" and _width(batch) == 1 and set(batch.targets.class_counts) <= {0, 1}:
        return "binary"
    if kind == "classes" and recipe.task == "regression" and recipe.loss_kind in VALUE_LOSSES:
        return "real"
    if kind == "real" and recipe.loss_kind in ("bce", "bce-with-logits") and _are_shares(batch):
        return "binary"
    return kind


def _classes(recipe: RecipeFacts, batch: BatchFacts) -> Fit | NotApplicable:
    width, outputs = _width(batch), batch.outputs
    if width is None or width < 2:
        return NotApplicable(
            "the model gives one number a row, but several classes need a score each"
        )
    assert outputs is not None
    if _fits_classes(recipe, batch):
        return NotApplicable(f"{recipe.loss} fits outputs and targets")
    drops = recipe.model.output_activation is not None
    title = _title("CrossEntropyLoss on raw scores", recipe, drops=drops)
    floats = "float" in batch.targets.dtype
    if batch.targets.kind == "one-hot":
        if floats:
            return Fit(nn.CrossEntropyLoss(), title, _CROSS_ENTROPY, drops)
        return Fit(OneHotCrossEntropyLoss(), title, _cast("target.float()"), drops)
    columns = len(batch.targets.shape) > 1 and batch.targets.shape[1:] == (1,)
    if not floats and not columns and "int64" in batch.targets.dtype:
        return Fit(nn.CrossEntropyLoss(), title, _CROSS_ENTROPY, drops)
    numbers = "target.long().squeeze(1)" if columns else "target.long()"
    return Fit(NumberedCrossEntropyLoss(), title, _cast(numbers), drops)


def _fits_classes(recipe: RecipeFacts, batch: BatchFacts) -> bool:
    outputs, kind = batch.outputs, recipe.loss_kind
    assert outputs is not None
    if kind in ("cross-entropy", "hinge"):
        return True
    if kind == "nll":
        return outputs.log_probabilities
    if batch.targets.kind == "one-hot":
        return kind == "bce-with-logits" or (kind == "bce" and outputs.in_unit_interval)
    return False


def _binary(recipe: RecipeFacts, batch: BatchFacts) -> Fit | NotApplicable:
    width, outputs = _width(batch), batch.outputs
    if width is not None and width > 1 and outputs and outputs.shape != batch.targets.shape:
        return _classes(recipe, batch)
    assert outputs is not None
    kind, name = recipe.loss_kind, recipe.model.output_activation
    competing = name == "softmax" and (width == 1 or bool(batch.targets.off_one))
    probabilities = name in PROBABILITIES or (name is None and outputs.in_unit_interval)
    given = not competing and (kind == "bce-with-logits" or (kind == "bce" and probabilities))
    if kind == "hinge" or (given and not outputs.broadcasts):
        return NotApplicable(f"{recipe.loss} fits outputs and targets")
    drops = name is not None
    same = "float" in batch.targets.dtype and outputs.shape == batch.targets.shape
    loss = nn.BCEWithLogitsLoss() if same else ShapedBCEWithLogitsLoss()
    title = _title("BCEWithLogitsLoss on raw scores", recipe, drops=drops)
    return Fit(loss, title, _BINARY if same else _BINARY_SHAPED, drops)


def _quantity(
    loss: LossFunction, case: Case, recipe: RecipeFacts, batch: BatchFacts
) -> Fit | NotApplicable:
    outputs, targets = batch.outputs, batch.targets
    assert outputs is not None
    elements = _elements(outputs.shape) == _elements(targets.shape)
    if not elements:
        return NotApplicable(
            f"outputs {outputs.shape} and targets {targets.shape} cannot be brought together"
        )
    kind = recipe.loss_kind
    known = kind in VALUE_LOSSES
    if known and not outputs.broadcasts:
        return NotApplicable(f"{recipe.loss} fits outputs and targets")
    make, name = _SHAPED[kind] if known else (ShapedMSELoss, "mse_loss")
    reduction = str(getattr(loss, "reduction", "mean")) if known else "mean"
    new: Any = make(reduction=reduction if reduction in ("mean", "sum") else "mean")
    drops = (not known and recipe.model.output_activation is not None) or out_of_reach(case)
    if outputs.shape == targets.shape:
        return Fit(nn.MSELoss(), _title("MSELoss", recipe, drops=drops), _SQUARED, drops)
    title = (
        f"{recipe.loss} of outputs in the targets' shape"
        if known
        else _title("MSELoss", recipe, drops=drops)
    )
    return Fit(new, title, _shaped(name, reduction), drops)


def _title(name: str, recipe: RecipeFacts, *, drops: bool) -> str:
    without = f", without the output's {recipe.model.output_activation}" if drops else ""
    return f"{name} instead of {recipe.loss}{without}"


def _width(batch: BatchFacts) -> int | None:
    shape = batch.outputs.shape if batch.outputs else ()
    return shape[1] if len(shape) > 1 else None


def _are_shares(batch: BatchFacts) -> bool:
    """Whether all targets lie in [0, 1]."""
    low, high = batch.targets.minimum, batch.targets.maximum
    return low is not None and high is not None and low >= 0 and high <= 1


def _elements(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


_SHAPED: dict[str, tuple[Any, str]] = {
    "mse": (ShapedMSELoss, "mse_loss"),
    "l1": (ShapedL1Loss, "l1_loss"),
    "huber": (ShapedHuberLoss, "smooth_l1_loss"),
}
_SQUARED = "from torch import nn\n\nloss_fn = nn.MSELoss()"
_CROSS_ENTROPY = "from torch import nn\n\nloss_fn = nn.CrossEntropyLoss()"
_BINARY = "from torch import nn\n\nloss_fn = nn.BCEWithLogitsLoss()"
_BINARY_SHAPED = """
from torch.nn import functional as F


def loss_fn(output, target):
    scores = output.reshape(target.shape)
    return F.binary_cross_entropy_with_logits(scores, target.to(scores.dtype))
""".strip("\n")


def _cast(target: str) -> str:
    return (
        "from torch.nn import functional as F\n\n\n"
        f"def loss_fn(output, target):\n    return F.cross_entropy(output, {target})"
    )


def _shaped(name: str, reduction: str) -> str:
    option = f', reduction="{reduction}"' if reduction == "sum" else ""
    return (
        "from torch.nn import functional as F\n\n\n"
        "def loss_fn(output, target):\n"
        f"    return F.{name}(output.reshape(target.shape), target{option})"
    )
