import copy
import dataclasses
import json
import math
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render import sample, snapshot
from render.schema_check import errors
from torchclinic.core import Diagnosis, History
from torchclinic.render import SCHEMA, Detail, diagnosis_to_dict, repair_to_dict, to_json
from torchclinic.render.plain import rounded

REPAIRS, DIAGNOSES = sample.all_repairs(), sample.all_diagnoses()
DETAILS = [Detail(), Detail(200, 4), Detail(12, 3, "runs"), Detail(12, 3, "none")]
DOCUMENTS = {
    **{name: repair_to_dict(value) for name, value in REPAIRS.items() if name != "deep"},
    **{f"d-{name}": diagnosis_to_dict(value) for name, value in DIAGNOSES.items()},
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_follow_the_schema(name):
    assert errors(DOCUMENTS[name], SCHEMA, SCHEMA) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_survive_json(name):
    document = DOCUMENTS[name]
    text = to_json(document)
    assert text.isascii()
    assert json.loads(text) == document


@pytest.mark.parametrize("detail", DETAILS)
def test_less_detail_follows_the_schema_too(detail):
    assert errors(repair_to_dict(REPAIRS["nan"], detail), SCHEMA, SCHEMA) == []


def broken(path, value):
    document = copy.deepcopy(DOCUMENTS["repaired"])
    node = document
    for key in path[:-1]:
        node = node[key]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "torchclinic.repair/2"),
        (("patch",), None),
        (("verdict", "outcome"), "cured"),
        (("verdict", "comparison", "p_value"), "small"),
        (("diagnosis", "findings", 0, "level"), "fatal"),
        (("diagnosis", "findings", 0, "evidence", 0, "value"), None),
        (("before", 0, "history", "losses", "values", 3), "nan"),
        (("before", 0, "trace", "layers", 0, "order"), "first"),
        (("arms", 1, "kind"), "winner"),
        (("cost", "budget"), [1]),
    ],
)
def test_the_schema_refuses_what_is_wrong(path, value):
    assert errors(broken(path, value), SCHEMA, SCHEMA)


def test_the_schema_is_published_as_a_file():
    folder = files("torchclinic.render").joinpath("schemas")
    assert json.loads(folder.joinpath("torchclinic-1.json").read_text("utf-8")) == SCHEMA


def test_everything_that_is_written_is_described():
    described = SCHEMA["$defs"]
    document = DOCUMENTS["repaired"]
    for name, value in (
        ("repair", document),
        ("diagnosis", document["diagnosis"]),
        ("finding", document["diagnosis"]["findings"][0]),
        ("comparison", document["verdict"]["comparison"]),
        ("run", document["before"][0]),
        ("trace", document["before"][0]["trace"]),
        ("arm", document["arms"][0]),
    ):
        assert set(value) <= set(described[name]["properties"]), name


def test_a_diagnosis_looks_as_it_did():
    small = dataclasses.replace(
        DIAGNOSES["sick"],
        case=dataclasses.replace(DIAGNOSES["sick"].case, trace=None, history=None, lr_range=None),
    )
    snapshot.check("diagnosis.json", to_json(diagnosis_to_dict(small)))


def test_numbers_that_json_lacks_can_be_read_back():
    losses = (1.5, math.nan, math.inf, -math.inf)
    case = dataclasses.replace(sample.Case(), history=History(losses=losses))
    document = diagnosis_to_dict(Diagnosis(case=case))
    values = document["facts"]["history"]["losses"]["values"]
    assert values == [1.5, "NaN", "Infinity", "-Infinity"]
    read = [float(v) for v in values]
    assert read[0] == 1.5
    assert math.isnan(read[1])
    assert read[2:] == [math.inf, -math.inf]
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"loss": math.nan})


def test_full_detail_keeps_every_number():
    run = REPAIRS["repaired"].before[0]
    document = DOCUMENTS["repaired"]["before"][0]
    assert document["history"]["losses"]["values"] == list(run.history.losses)
    assert document["history"]["losses"]["steps"] == list(range(1, sample.STEPS + 1))
    layer = run.trace.layers[0]
    assert document["trace"]["layers"][0]["series"]["gradient_rms"]["values"] == list(
        layer["gradient_rms"].values
    )


def test_less_detail_means_fewer_points():
    document = repair_to_dict(REPAIRS["repaired"], Detail(50, 3, "runs"))
    series = document["before"][0]["history"]["losses"]
    assert len(series["values"]) == len(series["steps"]) <= 50
    assert len(document["before"][0]["history"]["evaluations"]) <= 50
    assert document["before"][0]["trace"] is not None
    assert document["diagnosis"]["facts"]["trace"] is None
    assert repair_to_dict(REPAIRS["repaired"], Detail(50, 3, "none"))["before"][0]["trace"] is None


@given(st.floats(-1e12, 1e12), st.integers(2, 8))
def test_rounding_keeps_so_many_digits(value, digits):
    (found,) = rounded([value], digits)
    assert math.isclose(found, value, rel_tol=10.0 ** (1 - digits), abs_tol=1e-300)
    assert rounded({"a": "x", "b": 3, "c": None, "d": True}, 2) == {
        "a": "x",
        "b": 3,
        "c": None,
        "d": True,
    }
