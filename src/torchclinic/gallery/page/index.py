"""One page for all experiments: pictures, claims, judgements."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from torchclinic.core import OutputError
from torchclinic.gallery.claim import Judgement
from torchclinic.gallery.result import Drawing, Result
from torchclinic.gallery.text.numbers import claim_value

if TYPE_CHECKING:
    from torchclinic.gallery.failure import Failure

FILE = "index.html"


def render_index(results: Sequence[Result | Failure]) -> str:
    """The page as text: no script, no external address, every link relative.

    Args:
        results: What was run, in the order of the page.
    """
    kept = [result for result in results if isinstance(result, Result)]
    counts = {j.value: sum(r.count(j) for r in kept) for j in Judgement}
    return (
        _environment()
        .get_template("index.html.jinja")
        .render(
            results=kept,
            failures=[result for result in results if not isinstance(result, Result)],
            counts=counts,
            claims=sum(counts.values()),
            seconds=sum(result.seconds for result in results),
        )
    )


def write_index(results: Sequence[Result | Failure], folder: Path) -> Path:
    """Write the page as `index.html` into the gallery's folder, and make that if need be."""
    from torchclinic.render import write_text

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {folder} cannot be made: {error}") from error
    return write_text(render_index(results), folder / FILE)


def still(drawing: Drawing) -> str:
    """The file of a drawing that does not move.

    >>> still(Drawing("race", "", ("race.gif", "race.png")))
    'race.png'
    """
    return next(file for file in drawing.files if file.endswith(".png"))


def shown(drawing: Drawing) -> str:
    """The file of a drawing that is shown: the GIF if there is one.

    >>> shown(Drawing("race", "", ("race.gif", "race.png")))
    'race.gif'
    """
    return drawing.files[0]


def tally(result: Result) -> str:
    """How many of an experiment's claims hold.

    >>> from types import SimpleNamespace
    >>> tally(SimpleNamespace(claims=(1, 2, 3), count=lambda judgement: 2))
    '2 of 3 hold'
    """
    return f"{result.count(Judgement.HOLDS)} of {len(result.claims)} hold"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(still=still, shown=shown, value=claim_value, tally=tally)
    return environment
