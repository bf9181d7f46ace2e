"""Findings as the page shows them: words, numbers against thresholds, consequences folded."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from torchclinic.core import Diagnosis, Finding
from torchclinic.render.html.figures.evidence import bullet
from torchclinic.render.story import evidence_words, window
from torchclinic.render.words import listing, printable, shorten, titled

MOST_LAYERS = 6
LONGEST_NAME = 60


@dataclass(frozen=True)
class FindingView:
    """One finding with everything that its card shows."""

    code: str
    rule: str
    level: str
    title: str
    explanation: str
    where: str
    when: str
    bullets: tuple[Markup, ...]
    numbers: tuple[str, ...]
    remedies: tuple[str, ...]
    consequences: tuple[FindingView, ...]


def finding_view(finding: Finding) -> FindingView:
    """The view of a finding and of what is folded under it."""
    return FindingView(
        finding.code,
        finding.rule.replace("-", " "),
        finding.level.value,
        titled(printable(finding.title)),
        printable(finding.explanation),
        _layers(finding),
        window(finding),
        tuple(bullet(evidence) for evidence in finding.evidence),
        tuple(f"{printable(e.statistic)}: {evidence_words(e)}" for e in finding.evidence),
        finding.remedies,
        tuple(finding_view(consequence) for consequence in finding.consequences),
    )


def finding_views(diagnosis: Diagnosis) -> tuple[FindingView, ...]:
    """All findings, root causes first."""
    return tuple(finding_view(finding) for finding in diagnosis.findings)


def _layers(finding: Finding) -> str:
    names = [shorten(printable(name), LONGEST_NAME) for name in finding.layers[:MOST_LAYERS]]
    more = len(finding.layers) - len(names)
    return listing([*names, f"{more} more"] if more else names)
