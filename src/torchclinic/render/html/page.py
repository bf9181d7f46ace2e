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


@dataclass(frozen=True)
class Fidelity:
    """How much detail a page carries.

    Attributes:
        columns: Readings of a heat map.
        rows: Rows of a profile by layer.
        detail: Of the embedded document.
    """

    columns: int
    rows: int
    detail: Detail


LADDER = (
    Fidelity(48, 40, Detail(2000, 5)),
    Fidelity(48, 40, Detail(600, 4)),
    Fidelity(40, 40, Detail(200, 4)),
    Fidelity(32, 30, Detail(60, 3, "runs")),
    Fidelity(24, 24, Detail(24, 3, "runs")),
    Fidelity(16, 16, Detail(12, 3, "runs")),
    Fidelity(12, 12, Detail(12, 3, "none")),
)


def render_repair_page(repair: Repair) -> str:
    """The repair as a self-contained HTML page.

    Args:
        repair: What was found, tried and proven.

    Returns:
        The page, at most 500 KB for anything that is not absurdly large.
    """

    def draw(fidelity: Fidelity) -> str:
        view = repair_view(repair, columns=fidelity.columns, rows=fidelity.rows)
        return _render("repair.html.jinja", view, repair_to_dict(repair, fidelity.detail), fidelity)

    return _within(draw)


def render_diagnosis_page(diagnosis: Diagnosis) -> str:
    """The diagnosis as a self-contained HTML page.

    Args:
        diagnosis: What was found.

    Returns:
        The page, at most 500 KB for anything that is not absurdly large.
    """

    def draw(fidelity: Fidelity) -> str:
        view = diagnosis_view(diagnosis, columns=fidelity.columns, rows=fidelity.rows)
        document = diagnosis_to_dict(diagnosis, fidelity.detail)
        return _render("diagnosis.html.jinja", view, document, fidelity)

    return _within(draw)


def _within(draw: Callable[[Fidelity], str]) -> str:
    """The most detailed page that is small enough, else the smallest."""
    page = ""
    for fidelity in LADDER:
        page = draw(fidelity)
        if len(page.encode()) <= MAX_BYTES:
            break
    return page


def _render(template: str, view: Any, document: Mapping[str, Any], fidelity: Fidelity) -> str:
    script = (TEMPLATES / "script.js").read_text("utf-8")
    digest = hashlib.sha256(script.encode()).digest()
    return (
        _environment()
        .get_template(template)
        .render(
            view=view,
            style=Markup((TEMPLATES / "style.css").read_text("utf-8")),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            script_hash=base64.b64encode(digest).decode(),
            document=embedded(document),
            points=fidelity.detail.points,
        )
    )


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
    from torchclinic.render.words import printable, seconds

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(term=term, glossary=GLOSSARY, anchor=anchor)
    environment.filters.update(
        highlight=highlight, bare=bare, printable=printable, seconds=seconds, raised=raised
    )
    return environment
