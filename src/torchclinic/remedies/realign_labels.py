"""Targets that belong to their inputs: shown, never applied."""

from __future__ import annotations

from torchclinic.core import Applicability, Case, Change, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies.fix_labels import unchanged


@register
class RealignLabels(BaseRemedy):
    """Show how to look for the place where inputs and targets lost each other.

    Which target belongs to which input only the source of the data knows, so nothing is applied.
    """

    name = "realign-labels"
    title = "Inputs and targets in one order"
    applicability = Applicability.DISPLAY_ONLY
    reason = "targets that stand beside the wrong inputs leave nothing to be learnt"
    source = "Zhang et al. 2017, arXiv 1611.03530"
    place = Place.DATA

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies where likeness of neighbours' targets was measured and is no more than chance."""
        labels = case.batch.labels if case.batch else None
        if labels is None or labels.z is None:
            return NotApplicable("it is not known how the targets stand to the inputs")
        if labels.z >= 3:
            return NotApplicable("rows with similar inputs have similar targets")
        return self.change(unchanged, _CODE)


_CODE = """
# look at a few rows before anything shuffles, sorts, filters or joins them ...
for x, y in zip(inputs[:8], targets[:8]):
    print(x, y)
# ... and give both the same order wherever one of them changes its own
order = torch.randperm(len(inputs))
inputs, targets = inputs[order], targets[order]
"""
