"""The report as one HTML file: no network, at most 500 KB, readable without a script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from torchclinic.core import Diagnosis, Repair
from torchclinic.render.html.diagnosis_view import diagnosis_view
from torchclinic.render.html.repair_view import repair_view
from torchclinic.render.plain import Detail, diagnosis_to_dict, repair_to_dict, to_json

MAX_BYTES = 500_000
TEMPLATES = Path(__file__).with_name("templates")


# What a page may carry, most first. The document takes its share, the figures get the rest.
DOCUMENT_BYTES = 220_000
DETAILS = (
    Detail(2000, 5),
    Detail(600, 4),
    Detail(200, 4),
    Detail(60, 3, "runs"),
    Detail(24, 3, "runs"),
    Detail(12, 3, "runs"),
    Detail(12, 3, "none"),
)


@dataclass(frozen=True)
class Room:
    """How much the figures show: readings of a heat map, rows of a profile by layer."""

    columns: int
    rows: int


ROOMS = (Room(48, 40), Room(32, 24), Room(16, 16), Room(8, 8))


def render_repair_page(repair: Repair) -> str:
    """The repair as a self-contained HTML page.

    Args:
        repair: What was found, tried and proven.

    Returns:
        The page, at most 500 KB for anything that is not absurdly large.
    """
    return _page(
        "repair.html.jinja",
        lambda room: repair_view(repair, columns=room.columns, rows=room.rows),
        lambda detail: repair_to_dict(repair, detail),
    )


def render_diagnosis_page(diagnosis: Diagnosis) -> str:
    """The diagnosis as a self-contained HTML page.

    Args:
        diagnosis: What was found.

    Returns:
        The page, at most 500 KB for anything that is not absurdly large.
    """
    return _page(
        "diagnosis.html.jinja",
        lambda room: diagnosis_view(diagnosis, columns=room.columns, rows=room.rows),
        lambda detail: diagnosis_to_dict(diagnosis, detail),
    )


def _page(
    template: str,
    view: Callable[[Room], Any],
    document: Callable[[Detail], Mapping[str, Any]],
) -> str:
    """The most detailed page that is small enough, else the smallest."""
    detail, data = DETAILS[0], Markup("")
    for detail in DETAILS:
        data = embedded(document(detail))
        if len(data) <= DOCUMENT_BYTES:
            break
    page = ""
    for room in ROOMS:
        page = render_template(template, view(room), data, detail.points)
        if len(page.encode()) <= MAX_BYTES:
            break
    return page


def render_template(
    template: str,
    view: Any,
    document: Markup,
    points: int | None,
    *,
    more: str = "",
    **context: Any,
) -> str:
    """One page.

    Args:
        template: Its file.
        view: What it shows.
        document: Its data, as `embedded` gives it.
        points: Points at most of a series of the data; None for all.
        more: Name of a further style sheet and script, without their endings.
        context: What else the template may name.
    """
    style, script = _parts("style.css", f"{more}.css"), _parts("script.js", f"{more}.js")
    digest = hashlib.sha256(script.encode()).digest()
    return (
        _environment()
        .get_template(template)
        .render(
            view=view,
            style=Markup(style),  # noqa: S704 - our own files
            script=Markup(script),  # noqa: S704 - our own files
            script_hash=base64.b64encode(digest).decode(),
            document=document,
            points=points,
            **context,
        )
    )


def _parts(*names: str) -> str:
    """The files of these names that there are, one after the other."""
    found = [TEMPLATES / name for name in names]
    return "\n".join(file.read_text("utf-8") for file in found if file.is_file())


def embedded(document: Mapping[str, Any]) -> Markup:
    r"""The document as JSON that may stand inside of a script element.

    >>> embedded({"name": "</script>"})
    Markup('{"name":"\\u003c\\/script\\u003e"}')
    """
    text = to_json(document, indent=None)
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("/", "\\/")):
        text = text.replace(character, escape)
    return Markup(text)  # noqa: S704 - nothing that HTML reads is left in it


@cache
def _environment() -> Environment:
    from torchclinic.render.html.code import highlight
    from torchclinic.render.html.figures.evidence import bare
    from torchclinic.render.html.glossary import GLOSSARY, anchor, term
    from torchclinic.render.html.scales import raised
    from torchclinic.render.words import printable, seconds, sentence

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(term=term, glossary=GLOSSARY, anchor=anchor)
    environment.filters.update(
        highlight=highlight,
        bare=bare,
        printable=printable,
        seconds=seconds,
        sentence=sentence,
        raised=raised,
    )
    return environment
