"""A page for each experiment of the gallery: what it asks, what was measured, its code."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from torchclinic.core import OutputError
from torchclinic.gallery import GALLERY, Result, read_result
from torchclinic.gallery.experiment import Experiment

VARIABLE = "TORCHCLINIC_GALLERY"  # folder that `torchclinic gallery --all -o FOLDER` wrote
SHOWN = (".png", ".gif")
HERE = Path(__file__).parent
CODE = HERE.parent / "src" / "torchclinic" / "gallery" / "experiments"


def write_gallery(out: Path) -> None:
    """Write `gallery.md` and a page for each experiment below `out`."""
    pages = out / "gallery"
    pages.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Gallery",
        "",
        "The experiments of the lectures: `torchclinic gallery NAME` runs one, draws its pictures",
        "and holds each claim against what was measured.",
        "",
        "| no. | experiment | question | claims |",
        "|---|---|---|---|",
    ]
    for experiment in GALLERY.members():
        result = _result(experiment)
        (pages / f"{experiment.name}.md").write_text(_page(experiment, result, pages), "utf-8")
        link = f"[{experiment.title}](gallery/{experiment.name}.md)"
        lines.append(
            f"| {experiment.number} | {link} | {experiment.question} | {_counted(result)} |"
        )
    toc = ["", "```{toctree}", ":hidden:", ""]
    toc += [f"gallery/{experiment.name}" for experiment in GALLERY.members()]
    (out / "gallery.md").write_text("\n".join([*lines, *toc, "```", ""]), "utf-8")


def _folder(experiment: Experiment) -> Path | None:
    base = os.environ.get(VARIABLE)
    return Path(base) / experiment.name if base else None


def _result(experiment: Experiment) -> Result | None:
    folder = _folder(experiment)
    if folder is None or not folder.is_dir():
        return None
    try:
        return read_result(folder)
    except OutputError:
        return None


def _page(experiment: Experiment, result: Result | None, pages: Path) -> str:
    lines = [f"# {experiment.title}", "", f"*{experiment.question}*", ""]
    lines += [experiment.text, "", f"Source: {experiment.source}", ""]
    lines += ["```", f"torchclinic gallery {experiment.name}", "```", ""]
    lines += [] if result is None else _measured(experiment, result, pages)
    file = CODE / f"{experiment.name.replace('-', '_')}.py"
    inside = os.path.relpath(file, pages)
    return "\n".join([*lines, "## Code", "", f"```{{literalinclude}} {inside}", "```", ""])


def _measured(experiment: Experiment, result: Result, pages: Path) -> list[str]:
    kind = "fast" if result.fast else "full"
    how = f"On {result.data}, {len(result.seeds)} seeds, the {kind} variant"
    lines = ["## Measured", "", f"{how}, {result.seconds:.0f} s.", ""]
    for claim in result.claims:
        lines += [f"- **{claim.judgement.value}**: {claim.sentence}", ""]
    folder = _folder(experiment)
    assert folder is not None
    for drawing in result.drawings:
        shown = [name for name in drawing.files if Path(name).suffix in SHOWN]
        best = sorted(shown, key=lambda name: Path(name).suffix != ".gif")[:1]
        for name in best:
            target = pages / experiment.name / Path(name).name
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / name, target)
            lines += [f"![{drawing.caption}]({experiment.name}/{target.name})", ""]
            lines += [drawing.caption, ""]
    return lines


def _counted(result: Result | None) -> str:
    if result is None:
        return ""
    counts: dict[str, int] = {}
    for claim in result.claims:
        counts[claim.judgement.value] = counts.get(claim.judgement.value, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
