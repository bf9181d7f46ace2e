"""WIR107: weights that the model uses but does not list among its parameters."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import fact, learning_evidence
from torchclinic.rules.grading import exact, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import several


@register
class UnregisteredParameters(Rule):
    """The loss depends on weights that `model.parameters()` does not list.

    ## What it does
    Walks the graph of the loss back to its leaves and compares the tensors that require a
    gradient with the model's parameters and with what the optimizer holds. Parameters that are
    others in a second pass were made in the forward pass.

    ## Why is this bad?
    A module finds its parts by their attributes. Layers in a plain Python list or dict, and
    tensors that are no nn.Parameter, are used in the forward pass, but no optimizer gets them,
    `to(device)` leaves them behind, and `state_dict()` does not save them. They keep their
    initial values.

    ## Known problems
    A part that is hidden from the model on purpose, so that it stays as it is, should have
    `requires_grad` off; here it is a warning as long as the training learns.

    ## Example
    `self.layers = [nn.Linear(64, 64), nn.Linear(64, 64)]`

    ## Use instead
    `self.layers = nn.ModuleList([nn.Linear(64, 64), nn.Linear(64, 64)])`

    ## References
    torch.nn.ModuleList; Humbatova et al. 2020, "Taxonomy of Real Faults in Deep Learning Systems".
    """

    code = "WIR107"
    name = "unregistered-parameters"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.WIRING
    needs = frozenset({"batch"})
    explains = ("WIR102", "WIR108", "LRN101", "LRN102", "CRV103", *LEARNING_CURVES)
    remedies = ("connect-parameters",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where the loss depends on weights that nobody trains."""
        assert case.batch is not None
        shapes = case.batch.unregistered
        if case.batch.made_anew:
            yield self._made_anew(case, case.batch.made_anew)
            return
        if not shapes:
            return
        state, count = state_of(case), len(shapes)
        weights = "1 weight tensor" if count == 1 else f"{count} weight tensors"
        listed = several(tuple(str(shape) for shape in shapes), 3)
        yield self.finding(
            exact(state),
            f"{weights} in use, but not among model.parameters()",
            f"The loss depends on {weights} with the shapes {listed} that the model does not list "
            "among its parameters, so the optimizer cannot get them and they keep their initial "
            "values. Layers in a plain list or dict are the usual cause: nn.ModuleList, "
            "nn.ModuleDict and nn.Parameter make them known.",
            (
                fact("weight tensors that nobody trains", count),
                fact("their elements", sum(prod(shape) for shape in shapes)),
                *learning_evidence(state),
            ),
            confidence=0.97,
        )

    def _made_anew(self, case: Case, shapes: tuple[tuple[int, ...], ...]) -> Finding:
        state, count, drawn = state_of(case), len(shapes), case.batch and case.batch.chance
        listed = several(tuple(str(shape) for shape in shapes), 3)
        line = f" That is done at {drawn.line}." if drawn and drawn.weights else ""
        weights = "1 parameter is" if count == 1 else f"{count} parameters are"
        return self.finding(
            exact(state),
            f"{weights} made anew at each forward pass",
            f"The loss depends on parameters with the shapes {listed} that are others at the next "
            f"pass: a layer or an nn.Parameter is made in forward().{line} No optimizer ever "
            "updates them. Make them in __init__, once, as attributes of the module.",
            (fact("parameters that each pass makes", count), *learning_evidence(state)),
            confidence=0.97,
            remedies=(),
        )
