"""What a loss asks for against what the outputs can give, and what became of them."""

import pytest

from rules.healthy_cases import digits_mlp
from rules.sick_cases import stuck, with_model, with_outputs, with_recipe, with_targets
from torchclinic.core import Level
from torchclinic.rules import RULES, judge


def found(case, code):
    rule = RULES[code]
    return list(rule.check(case)) if rule.missing(case) is None else []


def level(case, code):
    return next((f.level for f in judge(case).flat() if f.code == code), None)


def several_labels(case, off_one, **outputs):
    """Six probabilities a row that sum to 1, and labels of which a row may have several."""
    case = with_recipe(case, loss="BCELoss", loss_kind="bce")
    case = with_model(case, output_activation="softmax")
    case = with_targets(
        case, kind="binary", shape=(512, 6), mean=0.4, minimum=0.0, maximum=1.0, off_one=off_one
    )
    plain = {"shape": (512, 6), "rows_sum_to_one": True, "in_unit_interval": True}
    return with_outputs(case, **{**plain, **outputs})


def test_a_softmax_over_labels_that_overlap_is_named_first():
    findings = judge(several_labels(stuck(), 0.8)).findings
    assert findings[0].code == "LOS104"
    assert findings[0].level is Level.ERROR
    assert "2.4" in findings[0].title
    assert level(several_labels(digits_mlp(), 0.8), "LOS104") is Level.WARNING


@pytest.mark.parametrize("off_one", [0.0, 0.05, None], ids=["one-hot", "some unlabelled", "other"])
def test_a_softmax_over_labels_that_exclude_each_other_is_fine(off_one):
    assert found(several_labels(stuck(), off_one), "LOS104") == []


def test_sigmoids_over_labels_that_overlap_are_fine():
    case = with_model(
        several_labels(stuck(), 0.8, rows_sum_to_one=False), output_activation="sigmoid"
    )
    assert found(case, "LOS104") == []
