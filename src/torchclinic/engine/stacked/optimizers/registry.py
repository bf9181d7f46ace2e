"""Which optimizers have a formula for many members."""

from __future__ import annotations

from collections.abc import Mapping

from torch import optim
from torch.optim import Optimizer

from torchclinic.engine.stacked.optimizers.adabelief import AdaBeliefRule
from torchclinic.engine.stacked.optimizers.adadelta import AdadeltaRule
from torchclinic.engine.stacked.optimizers.adagrad import AdagradRule
from torchclinic.engine.stacked.optimizers.adam import AdamRule
from torchclinic.engine.stacked.optimizers.nadam import NAdamRule
from torchclinic.engine.stacked.optimizers.radam import RAdamRule
from torchclinic.engine.stacked.optimizers.rmsprop import RMSpropRule
from torchclinic.engine.stacked.optimizers.rule import Rule
from torchclinic.engine.stacked.optimizers.sgd import SGDRule

RULES: Mapping[type[Optimizer], type[Rule]] = {
    optim.SGD: SGDRule,
    optim.Adagrad: AdagradRule,
    optim.Adadelta: AdadeltaRule,
    optim.RMSprop: RMSpropRule,
    optim.Adam: AdamRule,
    optim.AdamW: AdamRule,
    optim.NAdam: NAdamRule,
    optim.RAdam: RAdamRule,
}
_HOOKS = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")


def all_rules() -> tuple[type[Rule], ...]:
    """Each formula once."""
    return (*dict.fromkeys(RULES.values()), AdaBeliefRule)


def rule_of(optimizer: Optimizer) -> type[Rule] | None:
    """The formula of an optimizer; None where there is none.

    >>> from torch import nn
    >>> rule_of(optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)).__name__
    'SGDRule'
    """
    kind = type(optimizer)
    if kind.__name__ == "AdaBelief" and kind.__module__.startswith("pytorch_optimizer."):
        return AdaBeliefRule
    return RULES.get(kind)


def why_no_rule(optimizer: Optimizer) -> str | None:
    """Why an optimizer's steps cannot be made for many members at once; None if they can."""
    name = type(optimizer).__name__
    rule = rule_of(optimizer)
    if rule is None:
        return f"the optimizer {name} has no formula for many members"
    if any(getattr(optimizer, hooks, None) for hooks in _HOOKS):
        return f"the optimizer {name} has step hooks"
    for group in optimizer.param_groups:
        for option in ("differentiable", *getattr(rule, "unsupported", ())):
            if group.get(option):
                return f"the optimizer {name} has {option}=True"
    return None
