"""Which parts of the inputs tell of the targets, and which of them the outputs hang on."""

from __future__ import annotations

from dataclasses import dataclass

from torchclinic.core.facts import Case, ReachFacts
from torchclinic.rules import thresholds as t


@dataclass(frozen=True)
class Part:
    """A part of the inputs.

    Attributes:
        start: First position or feature, from 0.
        end: The one behind its last.
        tells: How much it tells of the targets, in standard deviations of chance.
        before: What exchanging it changes in the untrained outputs, over the largest such change.
        after: The same of the trained outputs; as before where these are not known.
    """

    start: int
    end: int
    tells: float
    before: float
    after: float


def telling_parts(case: Case) -> tuple[Part, ...]:
    """Parts that tell of the targets beyond any doubt, with what the outputs make of them.

    >>> telling_parts(Case())
    ()
    """
    untrained = case.batch.reach if case.batch is not None else None
    if untrained is None or not untrained.starts:
        return ()
    before, after = _relative(untrained), _relative(case.reach) if case.reach else {}
    ends = (*untrained.starts[1:], untrained.size)
    found = [
        Part(start, end, told, before[start], after.get(start, before[start]))
        for start, end, told in zip(untrained.starts, ends, untrained.tells, strict=True)
        if told is not None and told > t.TELLING and start in before
    ]
    most = max((part.tells for part in found), default=0.0)
    return tuple(part for part in found if part.tells > t.TELLING_SHARE * most)


def steps_read(case: Case) -> tuple[Part, ...]:
    """All time steps that vary, with the effect of what stands there on the outputs.

    Where rows are padded, padding stays where it is, so that nothing is seen of its length. The
    effects are over those of whole rows.

    >>> steps_read(Case())
    ()
    """
    untrained, trained = case.batch.reach if case.batch is not None else None, case.reach
    if untrained is None or untrained.axis != "positions" or not untrained.starts:
        return ()
    after: dict[int, float | None] = {}
    if trained is not None and trained.starts == untrained.starts:
        after = dict(zip(trained.starts, trained.contents or trained.effects, strict=True))
    ends = (*untrained.starts[1:], untrained.size)
    effects = untrained.contents or untrained.effects
    told = untrained.tells or (None,) * len(effects)
    return tuple(
        Part(start, end, tells or 0.0, effect, after.get(start) or 0.0)
        for start, end, tells, effect in zip(untrained.starts, ends, told, effects, strict=True)
        if effect is not None
    )


def padded(case: Case) -> bool:
    """Whether some rows are filled up, more than others."""
    reach = case.batch.reach if case.batch is not None else None
    return reach is not None and bool(reach.contents)


def _relative(reach: ReachFacts) -> dict[int, float]:
    """Effect of each part over the largest one, by where the part begins."""
    known = {s: e for s, e in zip(reach.starts, reach.effects, strict=True) if e is not None}
    most = max(known.values(), default=0.0)
    return {start: effect / most for start, effect in known.items()} if most > 0 else {}


def spans(parts: tuple[Part, ...] | list[Part]) -> str:
    """Parts as ranges, counted from 1.

    >>> spans([Part(1, 2, 9.0, 0.0, 0.0), Part(2, 12, 9.0, 0.0, 0.0)])
    '2 to 12'
    """
    ranges: list[list[int]] = []
    for part in sorted(parts, key=lambda part: part.start):
        if ranges and ranges[-1][1] == part.start:
            ranges[-1][1] = part.end
        else:
            ranges.append([part.start, part.end])
    shown = [f"{a + 1}" if b == a + 1 else f"{a + 1} to {b}" for a, b in ranges[:4]]
    return ", ".join(shown) + (" and others" if len(ranges) > 4 else "")
