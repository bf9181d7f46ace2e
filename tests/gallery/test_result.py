"""`result.json`: everything comes back, nothing foreign comes in."""

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.schema_check import errors
from torchclinic.core import OutputError, Series
from torchclinic.gallery import Claim, Judgement, Result, read_result
from torchclinic.gallery.result import SCHEMA, Drawing

PUBLISHED = json.loads(
    files("torchclinic.gallery").joinpath("schemas/torchclinic-gallery-1.json").read_text("utf-8")
)
ANY = st.floats(allow_nan=False)
TEXT = st.text(max_size=30)


def claims():
    return st.builds(
        Claim, TEXT, TEXT, TEXT, ANY, ANY, ANY, TEXT, st.sampled_from(Judgement), TEXT, TEXT,
        st.lists(ANY, max_size=4).map(tuple),
    )  # fmt: skip


def results():
    names = st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=8)
    series = st.lists(ANY, max_size=5).map(lambda v: Series(tuple(range(len(v))), tuple(v)))
    return st.builds(
        Result,
        experiment=names,
        number=st.integers(1, 99),
        title=TEXT,
        question=TEXT,
        source=TEXT,
        data=st.sampled_from(["digits", "mnist"]),
        seeds=st.lists(st.integers(0, 9), max_size=4).map(tuple),
        fast=st.booleans(),
        claims=st.lists(claims(), max_size=3).map(tuple),
        numbers=st.dictionaries(names, ANY | st.integers(-9, 9)),
        series=st.dictionaries(names, series),
        drawings=st.lists(
            st.builds(Drawing, names, TEXT, st.lists(names, max_size=2).map(tuple)), max_size=2
        ).map(tuple),
        notes=st.lists(TEXT, max_size=2).map(tuple),
        seconds=st.floats(0, 1e6),
        versions=st.dictionaries(names, TEXT),
    )


@given(results())
def test_everything_comes_back(tmp_path_factory, result):
    file = tmp_path_factory.mktemp("round") / "result.json"
    file.write_text(json.dumps(result.to_dict(), allow_nan=False), "utf-8")
    assert read_result(file) == result


def test_nan_is_a_string_and_comes_back_as_nan(tmp_path, planted_result):
    document = planted_result.to_dict()
    document["numbers"]["lost"] = "NaN"
    (tmp_path / "result.json").write_text(json.dumps(document), "utf-8")
    assert read_result(tmp_path).numbers["lost"] != read_result(tmp_path).numbers["lost"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "torchclinic.gallery/0"}', f'{{"schema": "{SCHEMA}"}}']
)
def test_foreign_files_are_refused(tmp_path, text):
    (tmp_path / "result.json").write_text(text, "utf-8")
    with pytest.raises(OutputError, match="holds no result"):
        read_result(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"nowhere"):
        read_result(tmp_path / "nowhere")


@given(results())
def test_every_result_follows_the_published_schema(result):
    document = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert errors(document, PUBLISHED, PUBLISHED) == []


def test_the_schema_refuses_what_is_wrong(planted_result):
    document = json.loads(json.dumps(planted_result.to_dict()))
    document["claims"][0]["judgement"] = "perhaps"
    del document["numbers"]
    found = errors(document, PUBLISHED, PUBLISHED)
    assert any("perhaps" in error for error in found)
    assert any("'numbers' is missing" in error for error in found)
