"""Calibration error against a loop, against closed forms and against what it must not depend on."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from torchclinic.core import DataError, UsageError
from torchclinic.nn import calibration_error, reliability


def drawn(rows=400, classes=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(rows, classes, generator=generator) * 2
    return scores.softmax(1), torch.randint(classes, (rows,), generator=generator)


def by_loop(probabilities, targets, bins):
    """One row at a time."""
    right, sure, counts = [0.0] * bins, [0.0] * bins, [0] * bins
    for row, target in zip(probabilities.double().tolist(), targets.tolist(), strict=True):
        confidence = max(row)
        place = min(bins, max(1, math.ceil(confidence * bins))) - 1
        counts[place] += 1
        sure[place] += confidence
        right[place] += row.index(confidence) == target
    return sum(abs(r - s) for r, s in zip(right, sure, strict=True)) / len(targets)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(2, 6), st.integers(1, 60), st.integers(0, 10_000))
def test_it_is_what_a_loop_over_rows_gives(bins, classes, rows, seed):
    probabilities, targets = drawn(rows, classes, seed)
    found = calibration_error(probabilities, targets, bins)
    assert found == pytest.approx(by_loop(probabilities, targets, bins), abs=1e-9)
    assert 0 <= found <= 1


def test_answers_drawn_from_the_probabilities_are_calibrated():
    probabilities, _ = drawn(200_000)
    targets = torch.multinomial(probabilities, 1, generator=torch.Generator().manual_seed(1))
    assert calibration_error(probabilities, targets.squeeze(1)) < 0.01
    overconfident = (probabilities.log() * 3).softmax(1)
    assert calibration_error(overconfident, targets.squeeze(1)) > 0.1


def test_always_sure_and_always_wrong_is_1():
    sure = torch.eye(3)[[0, 1, 2, 0]]
    assert calibration_error(sure, torch.tensor([1, 2, 0, 2])) == 1.0
    assert calibration_error(sure, torch.tensor([0, 1, 2, 0])) == 0.0


def test_norms_are_ordered():
    probabilities, targets = drawn()
    l1, l2, most = (calibration_error(probabilities, targets, norm=n) for n in ("l1", "l2", "max"))
    assert l1 <= l2 <= most


def test_one_column_is_the_positive_class():
    positive = torch.tensor([0.9, 0.2, 0.6])
    targets = torch.tensor([1, 1, 0])
    table = torch.stack([1 - positive, positive], 1)
    expected = calibration_error(table, targets)
    assert calibration_error(positive, targets) == pytest.approx(expected)
    assert calibration_error(positive.unsqueeze(1), targets) == pytest.approx(expected)


def test_the_order_of_rows_does_not_matter_and_bins_hold_all_of_them():
    probabilities, targets = drawn()
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(2))
    assert calibration_error(probabilities[order], targets[order]) == pytest.approx(
        calibration_error(probabilities, targets)
    )
    found = reliability(probabilities, targets, 10)
    assert found.counts.sum() == len(targets)
    filled = found.counts > 0
    assert bool((found.confidence[filled] <= found.edges[1:][filled]).all())
    assert bool((found.confidence[filled] >= found.edges[:-1][filled]).all())
    assert bool(found.accuracy[~filled].isnan().all())


@pytest.mark.parametrize(
    ("probabilities", "targets", "error", "says"),
    [
        (torch.ones(2, 3), torch.zeros(2).long(), DataError, "sum to 3 to 3"),
        (torch.tensor([[1.5, -0.5]]), torch.tensor([0]), DataError, "between -0.5 and 1.5"),
        (torch.full((1, 2), float("nan")), torch.tensor([0]), DataError, "nan"),
        (torch.tensor([[0.5, 0.5]]), torch.tensor([2]), DataError, "from 0 to 1"),
        (torch.tensor([[0.5, 0.5]]), torch.tensor([0.0]), DataError, "float32"),
        (torch.tensor([[0.5, 0.5]]), torch.tensor([0, 1]), DataError, r"\(1, 2\), targets \(2,\)"),
        (torch.empty(0, 2), torch.empty(0).long(), DataError, r"\(0, 2\)"),
    ],
)
def test_bad_data_is_refused_with_its_value(probabilities, targets, error, says):
    with pytest.raises(error, match=says):
        calibration_error(probabilities, targets)


def test_bad_arguments_are_refused_with_their_value():
    probabilities, targets = drawn()
    with pytest.raises(UsageError, match="bins is 0"):
        calibration_error(probabilities, targets, 0)
    with pytest.raises(UsageError, match=r"norm is 'l3'.*l1, l2, max"):
        calibration_error(probabilities, targets, norm="l3")
