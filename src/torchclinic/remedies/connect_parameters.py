"""Parameters that no gradient reaches: shown, never applied."""

from __future__ import annotations

from torchclinic.core import Applicability, Case, Change, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import names
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies.fix_labels import unchanged

SHOWN = 8


@register
class ConnectParameters(BaseRemedy):
    """Show which parameters get no gradient and where to look for the break.

    The break is in the source of the forward pass or of the step, so nothing is applied.
    """

    name = "connect-parameters"
    title = "Parameters connected to the loss"
    applicability = Applicability.DISPLAY_ONLY
    reason = "what is detached, rounded, or not called in forward() gets no gradient"
    source = "Autograd mechanics, https://docs.pytorch.org/docs/stable/notes/autograd.html"
    place = Place.LOOP

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies when the facts name parameters without a gradient."""
        missing = case.batch.without_gradient if case.batch else ()
        if case.batch is not None and case.batch.unregistered:
            count = len(case.batch.unregistered)
            title = f"{count} weight{'s' if count > 1 else ''} to be registered with the model"
            return self.change(unchanged, _REGISTER, title=title)
        if not missing:
            return NotApplicable("each trainable parameter gets a gradient")
        more = f"  # and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        code = (
            "# after loss.backward(); look for .detach(), .data, torch.no_grad(), .item(), argmax\n"
            "# and for layers that forward() does not call\n"
            f"for name in {names(missing[:SHOWN])}:{more}\n"
            "    print(name, model.get_parameter(name).grad)"
        )
        count = len(missing)
        title = f"{count} parameter{'s' if count > 1 else ''} to be connected to the loss"
        return self.change(unchanged, code, title=title)


_REGISTER = """
# in __init__: what is kept in a plain list, dict or tuple is not among model.parameters()
self.layers = nn.ModuleList(layers)  # not self.layers = [nn.Linear(...), ...]
self.scale = nn.Parameter(scale)  # not self.scale = torch.ones(1, requires_grad=True)
# and build the optimizer after that
"""
