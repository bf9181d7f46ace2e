"""explain(): a rule's page as text."""

from __future__ import annotations

import inspect

from torchclinic.core.errors import UsageError
from torchclinic.rules.rule import RULES, Rule


def find_rule(code: str) -> Rule:
    """The rule of that code or name, in any case.

    Raises:
        UsageError: When there is none; the message lists the codes.

    >>> find_rule("vanishing-gradient").code
    'GRD101'
    """
    wanted = code.strip()
    for rule in RULES.members():
        if wanted.upper() == rule.code.upper() or wanted.lower() == rule.name:
            return rule
    raise UsageError(f"there is no rule {code!r}", hint=f"known: {', '.join(RULES)}")


def explain(code: str) -> str:
    """The page of a rule: what it does, why that is bad, what to use instead, and sources.

    Args:
        code: "GRD101" or "vanishing-gradient".

    Raises:
        UsageError: When there is no such rule.

    >>> explain("GRD101").splitlines()[0]
    '# GRD101 vanishing-gradient (error, warning)'
    """
    rule = find_rule(code)
    levels = ", ".join(level.value for level in rule.levels)
    lines = [f"# {rule.code} {rule.name} ({levels})", "", inspect.getdoc(type(rule)) or ""]
    if rule.remedies:
        lines += ["", "## Remedies", *(f"- {name}" for name in rule.remedies)]
    return "\n".join(lines) + "\n"
