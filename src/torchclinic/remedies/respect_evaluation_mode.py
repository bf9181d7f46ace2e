"""Answers that are not random in evaluation mode: shown, never applied."""

from __future__ import annotations

from torchclinic.core import Applicability, Case, Change, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies.fix_labels import unchanged


@register
class RespectEvaluationMode(BaseRemedy):
    """Show how to make random layers follow `model.eval()`.

    The call stands in the source of the forward pass, so nothing is applied.
    """

    name = "respect-evaluation-mode"
    title = "Random layers that eval() switches off"
    applicability = Applicability.DISPLAY_ONLY
    reason = "noise that is useful in training spoils every evaluation"
    source = "torch.nn.functional.dropout, https://docs.pytorch.org"
    place = Place.LOOP

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies where two passes in evaluation mode gave different outputs."""
        if case.batch is None or not case.batch.random_in_eval:
            return NotApplicable("the answers are the same each time in evaluation mode")
        return self.change(unchanged, _CODE)


_CODE = """
import torch.nn.functional as F

x = F.dropout(x, p, training=self.training)  # not F.dropout(x, p), which never stops
self.drops = nn.ModuleList(drops)  # not a plain list, which eval() does not reach
"""
