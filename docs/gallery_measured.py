"""What was measured, on the gallery's pages: sphinx-gallery's scraper, and where its text goes.

A page takes pictures and claims of a finished run where `TORCHCLINIC_GALLERY` names the folder
that `torchclinic gallery --all --fast -o FOLDER` wrote; otherwise its script is really run, which
takes minutes for all of them and is not repeated until a script changes.
`-D plot_gallery=0` builds without either.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gallery_text import escaped, heading

from torchclinic.core import OutputError, UsageError
from torchclinic.gallery import GALLERY, Claim, Judgement, Outcome, Result, read_result
from torchclinic.gallery.result import Drawing
from torchclinic.gallery.text.numbers import claim_value

VARIABLE = "TORCHCLINIC_GALLERY"
BEGIN, END, CODE = "\n.. measured\n", "\n.. end of what was measured\n", "\nCode\n----\n"
MISSING = """
.. note::

   No pictures and no claims here: these docs were built without running the experiments.
   ``torchclinic gallery {name} --fast`` runs this one.

"""


def given() -> Path | None:
    """The folder of finished runs; scripts run in folders of their own, so its path is whole."""
    text = os.environ.get(VARIABLE)
    if text and not Path(text).is_dir():
        raise UsageError(f"{VARIABLE} is {text}, which is no folder")
    return Path(text).resolve() if text else None


GIVEN = given()


def finished(name: str) -> Result | None:
    """What a finished run found in an experiment, if there is one."""
    try:
        return read_result(GIVEN / name) if GIVEN else None
    except OutputError:
        return None


def by_number(file: str) -> tuple[int, str]:
    """The place of a script in its topic."""
    experiment = GALLERY[Path(file).stem.replace("_", "-")]
    return experiment.number, experiment.name


def counts(results: Sequence[Result]) -> str:
    """How many claims hold, over some results."""
    tally = {j: sum(result.count(j) for result in results) for j in Judgement}
    words = (f"{tally[j]} {_verb(j, tally[j])}" for j in Judgement)
    return f"Of {sum(tally.values())} claims {', '.join(words)}."


def one_thread(_conf: dict[str, Any], _file: str) -> None:
    """sphinx-gallery calls this before each script: small nets lose time to a second thread."""
    import torch

    torch.set_num_threads(1)


def scrape(_block: Any, variables: dict[str, Any], conf: dict[str, Any]) -> str:
    """sphinx-gallery calls this after each cell: the pictures and claims of the last one.

    Before the last cell is carried out, a finished run takes the place of `run`.
    """
    name = Path(variables["src_file"]).stem.replace("_", "-")
    names, result = variables["example_globals"], finished(name)
    if "outcome" not in names:
        if result is not None and "run" in names:
            names["run"] = lambda _settings: _replayed(result)
        return ""
    outcome, settings = names["outcome"], names["settings"]
    variant = "in the fast variant" if settings.fast else "in full"
    how = f"Measured {variant}; images, where there are any, are those of {settings.data}."
    if result is None or GIVEN is None:
        pictures = _pictures(names["drawings"], names["folder"], variables, conf)
    else:
        pictures = _pictures(result.drawings, GIVEN / name, variables, conf)
    notes = [f"{escaped(note)}\n" for note in outcome.notes]
    parts = [heading("Measured", "-"), how, "", *pictures, *_table(outcome.claims), *notes]
    return "\n".join([BEGIN, *parts, END])


def measured_first(_app: Any, document: str, source: list[str]) -> None:
    """Sphinx calls this for each file: what was measured is moved before the code."""
    if not document.startswith("gallery/") or CODE not in source[0]:
        return
    name = document.rpartition("/")[2].replace("_", "-")
    before, begin, rest = source[0].partition(BEGIN)
    found, _, after = rest.partition(END)
    intro, code, cells = before.partition(CODE)
    source[0] = "".join([intro, found if begin else MISSING.format(name=name), code, cells, after])


def _replayed(result: Result) -> Outcome:
    return Outcome(claims=result.claims, numbers=result.numbers, notes=result.notes)


def _pictures(
    drawings: Sequence[Drawing], folder: Path, variables: dict[str, Any], conf: Any
) -> Iterator[str]:
    """Each drawing as a figure; of an animation also its last frame, for who wants it still."""
    for drawing in drawings:
        still = next(file for file in drawing.files if file.endswith(".png"))
        moving = [file for file in drawing.files if file.endswith(".gif")]
        for file in (still, *moving):
            kind = "drawn" if not moving else "moving" if file in moving else "still"
            target = Path(next(variables["image_path_iterator"])).with_suffix(Path(file).suffix)
            shutil.copyfile(folder / file, target)
            yield from (
                f".. figure:: /{target.relative_to(conf['src_dir']).as_posix()}",
                f"   :alt: {drawing.caption}",
                "   :width: 100%",
                f"   :figclass: {kind}",
                "",
                f"   {escaped(drawing.caption)}",
                "",
            )


def _table(claims: Sequence[Claim]) -> Iterator[str]:
    yield from (
        ".. list-table::",
        "   :class: claims",
        "   :header-rows: 1",
        "   :widths: 14 44 42",
    )
    yield from ("", "   * - Verdict", "     - The lecture says", "     - Measured")
    for claim in claims:
        word = claim.judgement.value
        yield from (f"   * - .. rst-class:: verdict {word.replace(' ', '-')}", "", f"       {word}")
        yield from (f"     - {escaped(claim.sentence)}", "")
        yield from ("       .. rst-class:: source", "", f"       {escaped(claim.source)}")
        yield f"     - {escaped(claim.measure)}: **{escaped(claim_value(claim))}**; wanted:"
        yield from (f"       {escaped(claim.wanted)}.", "")
        yield from (f"       Why: {escaped(claim.reason)}", "") if claim.reason else ()
    yield ""


def _verb(judgement: Judgement, count: int) -> str:
    if judgement is Judgement.HOLDS:
        return "holds" if count == 1 else "hold"
    return f"{'is' if count == 1 else 'are'} {judgement.value}"
