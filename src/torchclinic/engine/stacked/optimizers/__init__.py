"""The update formulas of torch's optimizers, for many members at once."""

from torchclinic.engine.stacked.optimizers.registry import all_rules, rule_of, why_no_rule
from torchclinic.engine.stacked.optimizers.rule import Rule, Table, flags_of, numbers_of

__all__ = ["Rule", "Table", "all_rules", "flags_of", "numbers_of", "rule_of", "why_no_rule"]
