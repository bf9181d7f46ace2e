"""One diagnosis per file, pure: facts in, findings out."""

from torchclinic.rules import curve, data, initialisation, loss, numerics, wiring
from torchclinic.rules.explaining import explain, find_rule
from torchclinic.rules.folding import fold, rank
from torchclinic.rules.judging import Judgement, judge
from torchclinic.rules.rule import HEADINGS, RULES, Rule, register

__all__ = [
    "HEADINGS",
    "RULES",
    "Judgement",
    "Rule",
    "curve",
    "data",
    "explain",
    "find_rule",
    "fold",
    "initialisation",
    "judge",
    "loss",
    "numerics",
    "rank",
    "register",
    "wiring",
]
