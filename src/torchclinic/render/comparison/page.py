"""The comparison as one HTML file: no network, at most 500 KB, readable without a script."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from torchclinic.core import StudyResult
from torchclinic.render.comparison.arms import ArmView, arm_views
from torchclinic.render.comparison.curve_panels import CurveTab, curve_tabs
from torchclinic.render.comparison.forest import ForestTab, forest_tabs
from torchclinic.render.comparison.glossary import STUDY_GLOSSARY, study_term
from torchclinic.render.comparison.plain import study_to_dict
from torchclinic.render.comparison.seed_scores import seed_scores
from torchclinic.render.comparison.story import Ends, Headline, ends, facts, headline, said
from torchclinic.render.comparison.tables import SortTable, arms_table, pairs_table
from torchclinic.render.html.page import MAX_BYTES, embedded, render_template
from torchclinic.render.plain import Detail
from torchclinic.render.words import printable

# What a page may carry, most first. The document takes its share, the figures get the rest.
DETAILS = (
    Detail(2000, 5),
    Detail(600, 5),
    Detail(200, 4),
    Detail(60, 4),
    Detail(60, 4, "runs"),
    Detail(24, 4, "runs"),
    Detail(12, 3, "runs"),
    Detail(12, 3, "none"),
)
DOCUMENT_BYTES = 150_000
POINT_BYTES = 9  # of a step and its value as JSON, about


@dataclass(frozen=True)
class Room:
    """How much the figures show.

    Attributes:
        seeds: Whether each seed has a line.
        pairs: Whether there is a table of all pairs, and a forest against any arm.
        points: Points of a line.
    """

    seeds: bool
    pairs: bool
    points: int


ROOMS = (
    Room(True, True, 150),
    Room(False, True, 150),
    Room(False, False, 150),
    Room(False, False, 50),
    Room(False, False, 20),
)


@dataclass(frozen=True)
class StudyView:
    """Everything that the template needs, ready to print."""

    name: str
    data: str
    headline: Headline
    ends: Ends | None
    facts: tuple[tuple[str, str], ...]
    arms: tuple[ArmView, ...]
    tabs: tuple[CurveTab, ...]
    seeds: bool
    scores: Markup
    forests: tuple[ForestTab, ...]
    baseline: str
    table: SortTable
    pairs: SortTable | None
    power: tuple[str, ...]
    notes: tuple[str, ...]
    errors: tuple[str, ...]
    meta: tuple[tuple[str, str], ...]


def render_study_page(result: StudyResult) -> str:
    """The study as a self-contained HTML page.

    Args:
        result: What came of it.

    Returns:
        The page, at most 500 KB for anything that is not absurdly large.
    """
    detail, data = _document(result)
    page = ""
    for room in ROOMS:
        page = render_template(
            "study.html.jinja",
            study_view(result, room),
            data,
            detail.points,
            more="study",
            glossary=STUDY_GLOSSARY,
            term=study_term,
        )
        if len(page.encode()) <= MAX_BYTES:
            break
    return page


def _document(result: StudyResult) -> tuple[Detail, Markup]:
    """The most detailed document that is small enough, else the smallest."""
    lengths = [len(curve.points) for curve in result.curves]
    detail, data = DETAILS[-1], Markup("")
    for detail in DETAILS:
        points = sum(min(length, detail.points or length) for length in lengths)
        if detail.traces != "none" and points * POINT_BYTES > DOCUMENT_BYTES:
            continue
        data = embedded(study_to_dict(result, detail))
        if len(data) <= DOCUMENT_BYTES:
            break
    return detail, data


def study_view(result: StudyResult, room: Room) -> StudyView:
    """The view of a study at a given detail."""
    arms = arm_views(result)
    views = {view.arm.name: view for view in arms}
    many = room.seeds and len(result.seeds) > 1
    return StudyView(
        name=printable(result.name),
        data=printable(result.meta.get("data", "")),
        headline=headline(result),
        ends=ends(result),
        facts=facts(result),
        arms=arms,
        tabs=curve_tabs(result, arms, seeds=room.seeds, points=room.points),
        seeds=many,
        scores=seed_scores(result, arms),
        forests=forest_tabs(result, views, others=room.pairs),
        baseline=printable(result.baseline),
        table=arms_table(result, arms),
        pairs=pairs_table(result, views) if room.pairs else None,
        power=said(result, result.power),
        notes=said(result, result.notes),
        errors=_errors(result),
        meta=tuple((printable(k), printable(v)) for k, v in result.meta.items() if v),
    )


def _errors(result: StudyResult) -> tuple[str, ...]:
    """Why runs have no score: each reason once, with the runs it holds for."""
    found: dict[tuple[str, str], list[int]] = {}
    for run in result.runs:
        if run.error:
            found.setdefault((run.arm, run.error), []).append(run.seed)
    return tuple(
        printable(
            f"{arm}, {'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}: {error}"
        )
        for (arm, error), seeds in found.items()
    )
