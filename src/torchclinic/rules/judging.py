"""judge(): run every rule on a Case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding
from torchclinic.rules.folding import fold
from torchclinic.rules.rule import RULES


@dataclass(frozen=True)
class Judgement:
    """What the rules say of a Case.

    Attributes:
        findings: Root causes in order, consequences folded under them.
        skipped: Code of each rule that could not judge -> why.
    """

    findings: tuple[Finding, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict[str, str])

    def flat(self) -> Iterator[Finding]:
        """All findings, each root before its consequences."""
        for finding in self.findings:
            yield finding
            yield from finding.consequences


def judge(case: Case) -> Judgement:
    """Run all registered rules on a Case, rank what they find and fold consequences.

    A rule that lacks a part of the Case is skipped with a reason. One that raises, as a foreign
    one may, is skipped too and the reason quotes what it raised.

    Args:
        case: Any facts; a bare Trace is enough for the rules that read traces.

    >>> sorted(judge(Case()).skipped)[:2]
    ['ACT101', 'CRV101']
    """
    found: list[Finding] = []
    skipped: dict[str, str] = {}
    for rule in RULES.members():
        reason = rule.missing(case)
        if reason is not None:
            skipped[rule.code] = reason
            continue
        try:
            found.extend(rule.check(case))
        except Exception as error:  # noqa: BLE001 - one broken rule must not silence the others
            skipped[rule.code] = f"the rule raised {type(error).__name__}: {error}"
    return Judgement(fold(found), skipped)
