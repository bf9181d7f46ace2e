import errno
import json
import os
from pathlib import Path

import pytest

from render import sample
from torchclinic.core import OutputError, UsageError
from torchclinic.render import write_report, write_text


def test_a_report_is_written_whole(tmp_path):
    path = write_report(sample.repair(), tmp_path / "r.html")
    text = path.read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert text.rstrip().endswith("</html>")
    assert list(tmp_path.iterdir()) == [path]


def test_a_diagnosis_makes_a_report_too(tmp_path):
    path = write_report(sample.diagnosis(), str(tmp_path / "d.html"))
    assert "GRD101" in path.read_text("utf-8")


def test_the_ending_chooses_json(tmp_path):
    path = write_report(sample.repair(), tmp_path / "r.JSON")
    assert json.loads(path.read_text("utf-8"))["schema"] == "torchclinic.repair/1"
    path = write_report(sample.diagnosis(), tmp_path / "d.json")
    assert json.loads(path.read_text("utf-8"))["schema"] == "torchclinic.diagnosis/1"


def test_a_missing_folder_is_named_with_the_way_out(tmp_path):
    with pytest.raises(OutputError, match="there is no folder") as caught:
        write_text("x", tmp_path / "no" / "r.html")
    assert f"mkdir -p {tmp_path / 'no'}" in caught.value.hint


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        write_text("x", tmp_path)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is no folder"):
        write_text("x", tmp_path / "file" / "r.html")


def test_a_place_that_refuses_is_named():
    with pytest.raises(OutputError, match=r"/proc/r\.html cannot be written"):
        write_text("x", "/proc/r.html")


@pytest.mark.parametrize("where", ["fdopen", "replace"])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, where):
    path = tmp_path / "r.html"
    path.write_text("old")

    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if where == "replace":
        monkeypatch.setattr(Path, "replace", full)
    else:
        monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OutputError, match="No space left"):
        write_text("new", path)
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_is_as_readable_as_any_other(tmp_path):
    (tmp_path / "plain").write_text("")
    written = write_text("x", tmp_path / "r.html")
    assert written.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_text("x", tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_only_results_make_reports(tmp_path):
    with pytest.raises(UsageError, match="not of dict"):
        write_report({}, tmp_path / "r.html")
