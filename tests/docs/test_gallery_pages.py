"""The gallery's scripts and pages, without Sphinx: what sphinx-gallery is given and gives back."""

import ast
from pathlib import Path

import gallery_measured
import gallery_scripts
import pytest
from gallery_text import escaped, heading

from torchclinic.core import UsageError
from torchclinic.gallery import GALLERY, Settings, judge
from torchclinic.gallery.result import FILE, Drawing, Result
from torchclinic.render import to_json

CODE = Path(gallery_scripts.__file__).parents[1] / "src/torchclinic/gallery/experiments"


@pytest.mark.parametrize("name", GALLERY)
def test_a_script_is_the_experiment_with_a_cell_that_runs_it(name):
    script = gallery_scripts.script(GALLERY[name])
    original = ast.parse((CODE / f"{name.replace('-', '_')}.py").read_text("utf-8"))
    made = ast.parse(script)
    kept = [ast.unparse(node) for node in original.body[1:]]
    assert [ast.unparse(node) for node in made.body[1 : 1 + len(kept)]] == kept
    assert "outcome = run(settings)" in ast.unparse(made)
    title, underline, question = (ast.get_docstring(made) or "").split("\n", 3)[:3]
    assert title.startswith(f"{GALLERY[name].number}. ")
    assert underline == "=" * len(title)
    assert question == ""


def test_every_number_has_one_topic():
    numbers = [number for topic in gallery_scripts.TOPICS for number in topic.numbers]
    assert sorted(numbers) == sorted(set(numbers))
    assert {experiment.number for experiment in GALLERY.members()} <= set(numbers)


def test_plain_text_keeps_its_meaning():
    assert escaped("max(|w|, 0) * n_{i+1} of `init.gain`, fan_in") == (
        r"max(\|w\|, 0) \* n\_{i+1} of ``init.gain``, fan_in"
    )
    assert heading("a * b", "=") == "a \\* b\n======\n\n"


def test_a_finished_run_takes_the_place_of_run(tmp_path, monkeypatch):
    variables, conf = page(tmp_path)
    write_run(tmp_path / "runs" / "matrix-products")
    monkeypatch.setattr(gallery_measured, "GIVEN", tmp_path / "runs")
    names = variables["example_globals"]
    names["run"] = never
    assert gallery_measured.scrape(None, variables, conf) == ""
    names |= {"settings": Settings(fast=True)}
    names["outcome"] = names["run"](names["settings"])

    text = gallery_measured.scrape(None, variables, conf)
    images = [path.name for path in sorted((tmp_path / "gallery").iterdir())]
    assert images == ["sphx_001.png", "sphx_002.png", "sphx_003.gif"]
    assert (
        "/gallery/sphx_003.gif\n   :alt: It moves.\n   :width: 100%\n   :figclass: moving" in text
    )
    assert "verdict refuted" in text
    assert "accuracy: **0.5**; wanted:\n       above 0.9." in text
    assert "in the fast variant; images, where there are any, are those of digits." in text


def test_what_was_measured_stands_before_the_code():
    found = f"{gallery_measured.BEGIN}figures{gallery_measured.END}"
    source = [f"intro\n\nCode\n----\ncells\n{found}end"]
    gallery_measured.measured_first(None, "gallery/rates/warm_up", source)
    assert source[0].split() == ["intro", "figures", "Code", "----", "cells", "end"]

    source = ["intro\n\nCode\n----\ncells"]
    gallery_measured.measured_first(None, "gallery/rates/warm_up", source)
    assert "``torchclinic gallery warm-up --fast`` runs this one." in source[0]
    other = ["intro\n\nCode\n----\ncells"]
    gallery_measured.measured_first(None, "tutorial", other)
    assert other == ["intro\n\nCode\n----\ncells"]


def test_a_folder_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv(gallery_measured.VARIABLE, str(tmp_path / "none"))
    with pytest.raises(UsageError, match=r"none, which is no folder"):
        gallery_measured.given()


def test_claims_are_counted():
    assert gallery_measured.counts([result()]) == (
        "Of 2 claims 1 holds, 1 is refuted, 0 are not settled."
    )


def never(settings):
    raise AssertionError("the experiment was run")


def page(folder):
    images = folder / "gallery"
    images.mkdir()
    paths = iter(str(images / f"sphx_00{place}.png") for place in range(1, 9))
    variables = {
        "src_file": "experiments/matrix_products.py",
        "example_globals": {},
        "image_path_iterator": paths,
    }
    return variables, {"src_dir": str(folder)}


def write_run(folder):
    folder.mkdir(parents=True)
    for drawing in result().drawings:
        for file in drawing.files:
            (folder / file).write_bytes(b"image")
    (folder / FILE).write_text(to_json(result().to_dict()), "utf-8")


def result():
    claims = (
        judge("It learns.", source="000", measure="accuracy", values=0.5, above=0.9),
        judge("It is small.", source="000", measure="loss", values=0.5, below=0.9),
    )
    drawings = (
        Drawing("curve", "A curve.", ("curve.png", "curve.svg")),
        Drawing("walk", "It moves.", ("walk.gif", "walk.png")),
    )
    return Result(
        experiment="matrix-products", number=4, title="", question="", source="", data="digits",
        seeds=(0, 1, 2), fast=True, claims=claims, numbers={}, series={}, drawings=drawings,
        notes=(), seconds=1.0, versions={},
    )  # fmt: skip
