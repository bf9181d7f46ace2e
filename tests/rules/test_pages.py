"""The page of each rule, its code and its remedies."""

import re

import pytest

from torchclinic.core import Level, Stage, UsageError
from torchclinic.remedies import REMEDIES
from torchclinic.rules import HEADINGS, RULES, explain, thresholds
from torchclinic.rules.rule import Rule

MEMBERS = [RULES[code] for code in RULES]


@pytest.mark.parametrize("rule", MEMBERS, ids=lambda rule: rule.code)
def test_page_has_all_headings_in_order_and_something_under_each(rule):
    page = type(rule).__doc__
    found = re.findall(r"^ *## (.+)$", page, re.MULTILINE)
    assert tuple(found) == HEADINGS
    parts = re.split(r"^ *## .+$", page, flags=re.MULTILINE)
    assert all(len(part.strip()) >= 12 for part in parts)


@pytest.mark.parametrize("rule", MEMBERS, ids=lambda rule: rule.code)
def test_explain_prints_the_page(rule):
    text = explain(rule.code)
    assert text == explain(rule.name) == explain(rule.code.lower())
    assert text.startswith(f"# {rule.code} {rule.name} (")
    for heading in HEADINGS:
        assert f"\n## {heading}\n" in text


def test_an_unknown_code_names_the_known_ones():
    with pytest.raises(UsageError, match="GRD101"):
        explain("GRD999")


@pytest.mark.parametrize("rule", MEMBERS, ids=lambda rule: rule.code)
def test_rule_describes_itself(rule):
    assert isinstance(rule, Rule)
    assert re.fullmatch(r"[A-Z]{3}1\d\d", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
    assert rule.levels
    assert all(isinstance(level, Level) for level in rule.levels)
    assert isinstance(rule.stage, Stage)
    assert set(rule.remedies) <= set(REMEDIES)
    assert set(rule.explains) <= set(RULES)
    assert rule.code not in rule.explains
    parts = {"recipe", "batch", "one_batch", "lr_range", "history", "trace", "predictions"}
    assert rule.needs | set(rule.any_of) <= parts


def test_names_are_unique():
    names = [rule.name for rule in MEMBERS]
    assert len(set(names)) == len(names)


def test_a_later_stage_never_explains_an_earlier_one_only():
    """What a rule explains must include something that may stand after it."""
    for rule in MEMBERS:
        stages = [RULES[code].stage for code in rule.explains]
        assert not stages or max(stages) >= rule.stage


@pytest.mark.parametrize("name", thresholds.NAMES)
def test_threshold_names_its_source(name):
    value = getattr(thresholds, name)
    assert value > 0
    assert len(value.source) >= 4


def test_every_threshold_decides_something():
    from pathlib import Path

    root = Path(thresholds.__file__).parent
    text = "\n".join(
        path.read_text() for path in root.rglob("*.py") if path.name != "thresholds.py"
    )
    unused = [name for name in thresholds.NAMES if not re.search(rf"\bt\.{name}\b", text)]
    assert unused == []
