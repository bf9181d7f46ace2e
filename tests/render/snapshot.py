"""Golden files: set UPDATE_SNAPSHOTS=1 to write them anew, then read the diff."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).with_name("snapshots")


def check(name, text):
    path = FOLDER / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text + "\n", "utf-8")
    assert path.read_text("utf-8") == text + "\n", f"{name} differs: UPDATE_SNAPSHOTS=1 renews it"
