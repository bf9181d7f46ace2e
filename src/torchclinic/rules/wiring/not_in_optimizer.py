"""WIR103: trainable parameters that the optimizer does not hold."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, OptimizerFacts, RecipeFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import fact, learning_evidence
from torchclinic.rules.grading import exact, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import several


@register
class ParameterNotInOptimizer(Rule):
    """The optimizer does not hold all trainable parameters of the model.

    ## What it does
    Compares the model's trainable parameters with the optimizer's groups, by identity: parameters
    that are missing, held twice, or that belong to another model.

    ## Why is this bad?
    What the optimizer does not hold never changes. It happens when layers are replaced, or the
    model is moved or copied, after the optimizer was made, and when a list of layers is hidden
    from `parameters()`.

    ## Known problems
    Whoever trains only a head on purpose should switch `requires_grad` off for the rest; here it
    is a warning as long as the training learns.

    ## Example
    `optimizer = SGD(model.parameters(), lr=0.1); model.head = nn.Linear(512, 10)`

    ## Use instead
    `model.head = nn.Linear(512, 10); optimizer = SGD(model.parameters(), lr=0.1)`

    ## References
    torch.optim, "Constructing it"; Humbatova et al. 2020, "Taxonomy of Real Faults in Deep
    Learning Systems".
    """

    code = "WIR103"
    name = "parameter-not-in-optimizer"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.WIRING
    needs = frozenset({"recipe"})
    explains = ("LRN102", "LRN101", "GRD101", *LEARNING_CURVES)
    remedies = ("rebuild-optimizer",)

    def check(self, case: Case) -> Iterable[Finding]:
        """A finding for missing or foreign parameters, and one for repeated ones."""
        assert case.recipe is not None
        optimizer = case.recipe.optimizer
        if optimizer.missing or optimizer.foreign:
            yield self._missing(case, case.recipe, optimizer)
        if optimizer.repeated:
            yield self._repeated(case, optimizer)

    def _missing(self, case: Case, recipe: RecipeFacts, optimizer: OptimizerFacts) -> Finding:
        state = state_of(case)
        layers = tuple(dict.fromkeys(name.rpartition(".")[0] or name for name in optimizer.missing))
        cut = sum(part.parameters for part in recipe.model.layers if part.name in layers)
        nothing = recipe.model.trainable > 0 and cut >= recipe.model.trainable
        foreign = (
            f" It holds {optimizer.foreign} parameters that the model does not have, so it was "
            "made for other modules."
            if optimizer.foreign
            else ""
        )
        evidence: list[Evidence] = [
            fact("trainable parameters that the optimizer lacks", len(optimizer.missing)),
            fact("parameters that it holds and the model lacks", optimizer.foreign),
        ]
        what = several(layers, 2) if layers else "nothing, but holds foreign parameters"
        return self.finding(
            Level.ERROR if nothing else exact(state),
            f"the optimizer does not hold {what}"
            if layers
            else f"the optimizer holds {optimizer.foreign} foreign parameters",
            f"{optimizer.name} was not given {len(optimizer.missing)} of the model's trainable "
            f"parameters ({several(optimizer.missing) or 'none'}); they keep their initial "
            f"values.{foreign}",
            (*evidence, *learning_evidence(state)),
            layers=layers,
            confidence=0.97,
        )

    def _repeated(self, case: Case, optimizer: OptimizerFacts) -> Finding:
        state = state_of(case)
        return self.finding(
            Level.WARNING,
            f"the optimizer holds {several(optimizer.repeated, 2)} more than once",
            f"{len(optimizer.repeated)} parameters stand in the optimizer more than once, so each "
            "step moves them several times with a state that does not fit.",
            (fact("parameters held twice", len(optimizer.repeated)), *learning_evidence(state)),
            confidence=0.9,
        )
