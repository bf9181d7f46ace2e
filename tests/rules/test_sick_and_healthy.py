"""Each rule speaks on its sick fixture, is silent on the healthy ones; the rest is golden.

Write the golden file anew after a deliberate change: `python -m rules.test_sick_and_healthy`
from the tests folder.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rules.healthy_cases import HEALTHY
from rules.sick_cases import SICK, deep_sigmoid
from torchclinic.core import Case, Level
from torchclinic.rules import RULES, judge

GOLDEN = Path(__file__).with_name("confusion.json")


def verdicts(case):
    """Code -> level, with the root marked."""
    judgement = judge(case)
    found = {f.code: f.level.value for f in judgement.flat()}
    return {"root": judgement.findings[0].code if judgement.findings else None, "found": found}


def confusion():
    return {code: verdicts(build()) for code, build in sorted(SICK.items())}


def test_every_rule_has_a_sick_fixture():
    assert set(SICK) == set(RULES)


@pytest.mark.parametrize("code", sorted(SICK))
def test_fires_on_its_sick_fixture(code):
    judgement = judge(SICK[code]())
    levels = {f.code: f.level for f in judgement.flat()}
    assert levels.get(code) in (Level.ERROR, Level.WARNING)


@pytest.mark.parametrize("name", sorted(HEALTHY))
@pytest.mark.parametrize("code", sorted(SICK))
def test_is_silent_on_healthy_cases(code, name):
    case, rule = HEALTHY[name](), RULES[code]
    assert rule.missing(case) is None or case.history is None or case.predictions is None
    loud = [] if rule.missing(case) else [f for f in rule.check(case) if f.level is not Level.INFO]
    assert loud == []


@pytest.mark.parametrize("name", sorted(HEALTHY))
def test_a_healthy_case_is_healthy_without_its_parts(name):
    case = HEALTHY[name]()
    for part in ("recipe", "batch", "one_batch", "lr_range", "history", "trace", "predictions"):
        loud = [f for f in judge(replace(case, **{part: None})).flat() if f.level != Level.INFO]
        assert loud == [], part


@pytest.mark.parametrize("name", sorted(HEALTHY))
def test_a_healthy_trace_alone_is_healthy(name):
    assert list(judge(Case(trace=HEALTHY[name]().trace)).flat()) == []


def test_confusion_matrix_is_as_recorded():
    assert confusion() == json.loads(GOLDEN.read_text())


def test_the_root_is_nearly_always_the_fault_itself():
    """What is folded differently: saturation and divergence are named by their cause."""
    elsewhere = {code for code, row in confusion().items() if row["root"] != code}
    assert elsewhere <= {"INI104", "CRV102"}


def test_a_bare_trace_of_the_sigmoid_net_names_the_vanishing_gradient():
    judgement = judge(Case(trace=deep_sigmoid().trace))
    assert judgement.findings[0].code == "GRD101"
    assert {"LRN102", "CRV101"} <= {f.code for f in judgement.findings[0].consequences}


@pytest.mark.parametrize("code", sorted(SICK))
def test_evidence_crosses_its_threshold(code):
    for finding in judge(SICK[code]()).flat():
        for evidence in finding.evidence:
            if evidence.threshold is None:
                continue
            above = evidence.value > evidence.threshold
            assert above == (evidence.comparison == ">"), (finding.code, evidence)
            assert evidence.source


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(confusion(), indent=1) + "\n")
