"""Ranking of findings, and folding of consequences under their cause."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from torchclinic.core.finding import Finding, Level


def rank(findings: Iterable[Finding]) -> list[Finding]:
    """Errors and warnings by stage, then level, then confidence; infos after them."""
    return sorted(
        findings,
        key=lambda f: (f.level is Level.INFO, f.stage, f.level.rank, -f.confidence, f.code),
    )


def explained_by(effect: Finding, cause: Finding) -> bool:
    """Whether `cause` may take `effect` under itself.

    It must name the effect's code, be a warning or an error, and stand at least as early in the
    order of causes; an effect that is only an info may stand anywhere.
    """
    if cause is effect or cause.level is Level.INFO or effect.code not in cause.explains:
        return False
    return effect.level is Level.INFO or cause.stage <= effect.stage


def fold(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Ranked root causes, each with everything that follows from it folded under it.

    A finding is a root when nothing explains it. Where findings explain each other in a circle
    and nothing else explains any of them, the best-ranked one is the root.
    """
    ranked = rank(findings)
    causes = [
        [j for j, cause in enumerate(ranked) if explained_by(effect, cause)] for effect in ranked
    ]
    roots: list[int] = []
    owner: dict[int, int] = {}
    for root in _root_order(causes):
        if root in owner:
            continue
        roots.append(root)
        owner[root] = root
        _claim(root, root, causes, owner)
    return tuple(
        dataclasses.replace(
            ranked[root],
            consequences=tuple(
                ranked[i] for i in range(len(ranked)) if i != root and owner[i] == root
            ),
        )
        for root in sorted(roots)
    )


def _root_order(causes: Sequence[Sequence[int]]) -> list[int]:
    """True roots first, then what only circles explain; each in ranked order."""
    free = [i for i in range(len(causes)) if not causes[i]]
    return free + [i for i in range(len(causes)) if causes[i]]


def _claim(root: int, cause: int, causes: Sequence[Sequence[int]], owner: dict[int, int]) -> None:
    for effect in range(len(causes)):
        if effect not in owner and cause in causes[effect]:
            owner[effect] = root
            _claim(root, effect, causes, owner)
