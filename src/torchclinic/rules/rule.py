"""Rule: a pure function from the facts of a Case to Findings, and the registry of all rules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeVar

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.core.registry import Registry
from torchclinic.rules.wording import one_line

HEADINGS = (
    "What it does",
    "Why is this bad?",
    "Known problems",
    "Example",
    "Use instead",
    "References",
)


class Rule(ABC):
    """One diagnosis. Its docstring is its page and has the `HEADINGS`.

    Attributes:
        code: Permanent code ("GRD101").
        name: Kebab-case name ("vanishing-gradient").
        levels: Levels that its findings can have.
        stage: Place in the order of causes.
        needs: Fields of the Case without which it cannot judge.
        any_of: Fields of which it needs at least one; () for no such need.
        explains: Codes of the findings that are consequences of this one.
        remedies: Registered names of the remedies that fit, best first.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    levels: ClassVar[tuple[Level, ...]]
    stage: ClassVar[Stage]
    needs: ClassVar[frozenset[str]] = frozenset()
    any_of: ClassVar[tuple[str, ...]] = ()
    explains: ClassVar[tuple[str, ...]] = ()
    remedies: ClassVar[tuple[str, ...]] = ()

    @property
    def summary(self) -> str:
        """The first line of the rule's page."""
        return (type(self).__doc__ or self.name).strip().splitlines()[0]

    @abstractmethod
    def check(self, case: Case) -> Iterable[Finding]:
        """Findings of this rule in a Case that has what it needs; none when all is well."""

    def missing(self, case: Case) -> str | None:
        """Why the rule cannot judge this Case, or None when it can."""
        lacking = sorted(name for name in self.needs if getattr(case, name) is None)
        if lacking:
            return f"no {_words(lacking, 'and')} to judge by"
        if self.any_of and all(getattr(case, name) is None for name in self.any_of):
            return f"no {_words(self.any_of, 'or')} to judge by"
        return None

    def finding(  # noqa: PLR0913 - as many as a Finding has fields that vary
        self,
        level: Level,
        title: str,
        explanation: str,
        evidence: Sequence[Evidence],
        *,
        layers: Sequence[str] = (),
        steps: tuple[int, int] | None = None,
        confidence: float = 0.5,
        stage: Stage | None = None,
        remedies: Sequence[str] | None = None,
        explains: Sequence[str] | None = None,
    ) -> Finding:
        """A Finding under this rule's name; what is not given is the rule's own."""
        return Finding(
            code=self.code,
            rule=self.name,
            level=level,
            title=one_line(title),
            explanation=explanation,
            evidence=tuple(evidence),
            stage=self.stage if stage is None else stage,
            layers=tuple(layers),
            steps=steps,
            confidence=min(max(confidence, 0.0), 1.0),
            remedies=self.remedies if remedies is None else tuple(remedies),
            explains=self.explains if explains is None else tuple(explains),
        )


RULES: Registry[Rule] = Registry("rule", group="torchclinic.rules")

R = TypeVar("R", bound=Rule)


def register(rule: type[R]) -> type[R]:
    """Class decorator: add an instance of the rule to `RULES` under its code."""
    RULES.add(rule.code, rule())
    return rule


_PART_NAMES = {
    "recipe": "recipe",
    "batch": "first batch",
    "one_batch": "one-batch test",
    "lr_range": "LR range test",
    "history": "loss history",
    "trace": "trace",
    "predictions": "predictions",
}


def _words(names: Iterable[str], joint: str) -> str:
    return f" {joint} ".join(_PART_NAMES.get(name, name) for name in names)
