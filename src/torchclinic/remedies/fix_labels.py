"""Labels that the loss can take: shown, never applied."""

from __future__ import annotations

from torchclinic.core import Applicability, Case, Change, NotApplicable, Recipe, TargetFacts
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._layers import model_of, units, weighted
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register


def unchanged(recipe: Recipe) -> Recipe:
    """The recipe as it is."""
    return recipe


@register
class FixLabels(BaseRemedy):
    """Show which labels are out of range and how to renumber or drop them.

    What a wrong label was meant to be only its owner knows, so nothing is applied.
    """

    name = "fix-labels"
    title = "Labels that the loss can take"
    applicability = Applicability.DISPLAY_ONLY
    reason = "a class number outside 0 ... C-1 has no score that the loss could look at"
    source = "torch.nn.CrossEntropyLoss, https://docs.pytorch.org"
    place = Place.DATA

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to targets that are not finite, or outside the range of the classes."""
        batch = case.batch
        targets = batch.targets if batch else None
        if batch is None or targets is None:
            return NotApplicable("the targets are not known")
        if targets.nonfinite:
            return self.change(unchanged, _NONFINITE)
        low, high = targets.minimum, targets.maximum
        if low is None or high is None:
            return NotApplicable(f"targets of kind {targets.kind!r} have no range")
        kind = case.recipe.loss_kind if case.recipe else "custom"
        if kind in ("bce", "bce-with-logits"):
            inside = low >= 0 and high <= 1
            return (
                NotApplicable(_ALL_INSIDE) if inside else self.change(unchanged, _binary(targets))
            )
        if kind not in ("cross-entropy", "nll") or targets.kind == "real":
            return NotApplicable(f"the loss is {kind}, which takes no class numbers")
        width = _width(case)
        if width is None:
            return NotApplicable("the number of classes is not known")
        if low >= 0 and high < width:
            return NotApplicable(_ALL_INSIDE)
        return self.change(unchanged, _classes(targets, width))


_ALL_INSIDE = "all labels are in range"
_NONFINITE = """
import torch

known = torch.isfinite(train_targets)
train_inputs, train_targets = train_inputs[known], train_targets[known]
"""


def _width(case: Case) -> int | None:
    """Scores that the model gives a row; of the output layer where the loss could not be taken."""
    shape = case.batch.outputs.shape if case.batch and case.batch.outputs else ()
    if len(shape) > 1:
        return shape[1]
    facts = model_of(case)
    found = [units(layer) for layer in weighted(facts) if layer.output] if facts else []
    return found[0] if len(found) == 1 else None


def _binary(targets: TargetFacts) -> str:
    if targets.minimum == -1 and targets.maximum == 1:
        return "train_targets = (train_targets + 1) / 2  # from -1 and 1 to 0 and 1"
    return (
        f"# targets run from {targets.minimum:g} to {targets.maximum:g}; 0 and 1 are wanted\n"
        "train_targets = (train_targets > train_targets.float().mean()).float()"
    )


def _classes(targets: TargetFacts, width: int) -> str:
    low, high = round(targets.minimum or 0), round(targets.maximum or 0)
    if low == 1 and high == width:
        return f"train_targets = train_targets - 1  # from 1 ... {width} to 0 ... {width - 1}"
    return (
        f"known = (train_targets >= 0) & (train_targets < {width})  # labels are {low} to {high}\n"
        "print(train_targets[~known].unique())  # what do these mean?\n"
        "train_inputs, train_targets = train_inputs[known], train_targets[known]"
    )
