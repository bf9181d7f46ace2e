"""What a loss answers when it is asked: its sign, its trivial solution, its median."""

import math
from dataclasses import replace

import pytest

from rules.healthy_cases import digits_mlp, table_regression
from rules.sick_cases import mostly_zero, similarity_minimised, stuck, with_batch, with_recipe
from torchclinic.core import AgreementFacts, CollapseFacts, Evaluation, Level, LossFacts
from torchclinic.rules import RULES, judge


def found(case, code):
    rule = RULES[code]
    return list(rule.check(case)) if rule.missing(case) is None else []


def level(case, code):
    return next((f.level for f in found(case, code)), None)


def scored(case, metric, value):
    """The Case with a metric."""
    seen = (Evaluation(100, "train", 0.1, value), Evaluation(100, "validation", 0.1, value))
    return replace(case, history=replace(case.history, metric=metric, evaluations=seen))


def test_a_similarity_that_is_minimised_is_named_first():
    finding = judge(similarity_minimised()).findings[0]
    assert (finding.code, finding.level) == ("LOS109", Level.ERROR)
    assert "-0.95" in finding.title
    assert all(value in finding.explanation for value in ("0.55", "0.03", "-0.55"))


@pytest.mark.parametrize(
    "fields",
    [
        {"after": 0.9, "own": (), "others": (), "against": ()},
        {"after": -0.1},  # as much as chance gives to little
        {"own": (-0.5, -0.55, -0.6), "against": (0.5, 0.55, 0.6)},  # it wants to follow
        {"own": (0.5, 0.55, -0.6)},  # not at every size
        {"others": (-0.6, -0.7, -0.8)},  # neither way is liked
        {"own": (0.500, 0.500, 0.5), "others": (0.499, 0.499, 0.499)},
    ],
    ids=["follows", "hardly against", "healthy loss", "one size", "in between", "no difference"],
)
def test_a_loss_that_does_not_ask_for_the_opposite_is_not_flipped(fields):
    assert found(similarity_minimised(**fields), "LOS109") == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"wanted": "shares", "elements": 1}, Level.ERROR),
        ({"wanted": "values", "elements": 3}, Level.ERROR),
        ({"wanted": "values", "elements": 1}, Level.INFO),  # a hazard, for one
        ({"wanted": "classes"}, Level.INFO),  # energies
    ],
)
def test_what_may_be_meant_is_only_an_info(fields, expected):
    assert level(similarity_minimised(**fields), "LOS109") is expected


def test_the_metric_decides_where_the_outputs_may_be_energies():
    energies = similarity_minimised(wanted="classes")
    assert level(scored(energies, "accuracy", 0.0), "LOS109") is Level.ERROR
    assert found(scored(energies, "accuracy", 0.9), "LOS109") == []


def apart(**fields):
    plain = {"wanted": "labels", "before": 0.24, "after": 0.05, "against": ()}
    return similarity_minimised(**{**plain, **fields})


def test_labels_that_mean_the_opposite_are_named():
    finding = found(apart(), "LOS109")[0]
    assert finding.level is Level.WARNING
    assert "24%" in finding.explanation
    assert "5%" in finding.explanation


@pytest.mark.parametrize(
    "fields",
    [{"after": 0.6}, {"after": 0.22}, {"own": (0.01, 0.02, 0.01)}, {"own": (), "others": ()}],
    ids=["together", "no farther", "healthy loss", "not asked"],
)
def test_a_loss_that_brings_labels_together_is_fine(fields):
    assert found(apart(**fields), "LOS109") == []


def test_nothing_is_said_where_outputs_were_not_compared():
    assert found(replace(similarity_minimised(), agreement=None), "LOS109") == []
    assert (
        found(replace(similarity_minimised(), agreement=AgreementFacts(after=-1)), "LOS109") == []
    )


def collapsed(**fields):
    plain = {
        "before": 0.38,
        "after": 0.006,
        "untrained": 0.005,
        "trained": 2e-6,
        "constants": (1e-8, 1e-8, 1e-8),
    }
    return replace(digits_mlp(), collapse=CollapseFacts(**{**plain, **fields}))


def test_a_loss_that_does_not_mind_one_point_for_all_is_named():
    finding = found(collapsed(), "WIR111")[0]
    assert finding.level is Level.WARNING
    assert "does not mind" in finding.title


@pytest.mark.parametrize(
    "fields",
    [
        {"after": 0.3},
        {"constants": ()},
        {"constants": (1.2, 1.2, 1.2)},
        {"constants": (1e-8, 1e-3, 1e-8)},
        {"trained": 0.005},
    ],
    ids=["spread", "not asked", "dear", "some constants", "nothing removed"],
)
def test_rows_that_stay_apart_or_a_loss_that_minds_are_fine(fields):
    assert found(collapsed(**fields), "WIR111") == []


def test_an_absolute_error_on_mostly_zero_targets_is_named_first():
    finding = judge(mostly_zero()).findings[0]
    assert (finding.code, finding.level) == ("LOS110", Level.WARNING)
    assert "66%" in finding.title


@pytest.mark.parametrize(
    "fields",
    [{"share": 0.5}, {"missed": 0.9}, {"missed": 0.5}, {"missed": math.nan}, {"kind": "mse"}],
    ids=["half", "told", "told in part", "diverged", "squared error"],
)
def test_amounts_that_are_told_or_a_squared_error_are_fine(fields):
    assert found(mostly_zero(**fields), "LOS110") == []


def likelihood(lowest, function="gaussian_nll_loss", case=None):
    given = LossFacts(function=function, variance=lowest)
    case = with_batch(case or stuck(table_regression()), loss=given)
    return with_recipe(case, loss="own", loss_kind="custom")


@pytest.mark.parametrize("function", ["gaussian_nll_loss", ""], ids=["torch", "by hand"])
@pytest.mark.parametrize("lowest", [-0.4, 0.0])
def test_variances_that_are_not_positive_are_named(lowest, function):
    finding = found(likelihood(lowest, function), "LOS103")[0]
    assert finding.level is Level.ERROR
    assert ("GaussianNLLLoss" in finding.title) == bool(function)


def test_positive_variances_are_fine_and_a_training_that_learns_is_only_warned():
    assert found(likelihood(0.01), "LOS103") == []
    assert level(likelihood(-0.4, case=table_regression()), "LOS103") is Level.WARNING
