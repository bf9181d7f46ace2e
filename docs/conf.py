"""Sphinx configuration."""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from gallery_measured import GIVEN, measured_first
from gallery_scripts import PAGES, SCRIPTS, TOPICS

project = "torchclinic"
author = "The torchclinic developers"
copyright = "2026, The torchclinic developers"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
html_theme = "furo"
html_title = "torchclinic"
html_static_path = ["_static"]
html_css_files = ["gallery.css"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"

sphinx_gallery_conf = {
    "examples_dirs": str(SCRIPTS),
    "gallery_dirs": PAGES.name,
    "filename_pattern": "",  # every script is one to run
    "subsection_order": [os.path.relpath(SCRIPTS / topic.folder, PAGES.parent) for topic in TOPICS],
    "within_subsection_order": "gallery_measured.by_number",
    "image_scrapers": ("gallery_measured.scrape",),
    "reset_modules": ("matplotlib", "gallery_measured.one_thread"),
    "capture_repr": (),
    "thumbnail_size": (640, 350),
    "run_stale_examples": GIVEN is not None,  # another finished run, other pictures
    "min_reported_time": float("inf") if GIVEN else 0,
    "write_computation_times": False,
    "show_signature": False,
    "inspect_global_variables": False,
    "first_notebook_cell": '# pip install "torchclinic[gallery]"\n%matplotlib inline',
    "last_notebook_cell": """\
from IPython.display import Image, display

for picture in outcome.pictures:
    display(picture.figure)
for animation in outcome.animations:
    display(Image(filename=folder / f"{animation.name}.gif"))""",
}


def setup(app: Any) -> None:
    app.connect("source-read", measured_first)
