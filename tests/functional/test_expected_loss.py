"""Losses that follow from the labels, against torch's own losses."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from torchclinic.functional.expected_loss import (
    bounded_score_floor,
    label_entropy,
    majority_share,
    sigmoid_floor,
    softmax_floor,
    uniform_loss,
)

counts = st.lists(st.integers(1, 100), min_size=2, max_size=8)


@given(counts)
def test_entropy_is_the_cross_entropy_of_the_log_shares(found):
    labels = torch.repeat_interleave(torch.arange(len(found)), torch.tensor(found))
    shares = torch.tensor(found, dtype=torch.float64) / sum(found)
    scores = shares.log().expand(len(labels), -1)
    assert label_entropy(found) == pytest.approx(F.cross_entropy(scores, labels).item(), rel=1e-6)


@given(counts)
def test_no_constant_prediction_beats_the_entropy(found):
    labels = torch.repeat_interleave(torch.arange(len(found)), torch.tensor(found))
    other = torch.randn(len(found), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    loss = F.cross_entropy(other.expand(len(labels), -1), labels).item()
    assert loss >= label_entropy(found) - 1e-9


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
def test_softmax_floor_is_the_loss_of_a_perfect_one_hot_row(classes):
    perfect = torch.eye(classes, dtype=torch.float64)
    loss = F.cross_entropy(perfect, torch.arange(classes)).item()
    assert softmax_floor(classes) == pytest.approx(loss, rel=1e-9)
    assert 0 < softmax_floor(classes) < uniform_loss(classes)


@given(st.floats(0, 1))
def test_sigmoid_floor_is_the_loss_of_perfect_probabilities_as_scores(share):
    both = torch.tensor([1.0, 0.0], dtype=torch.float64)
    losses = F.binary_cross_entropy_with_logits(both, both, reduction="none")
    expected = share * losses[0].item() + (1 - share) * losses[1].item()
    assert sigmoid_floor(share) == pytest.approx(expected, rel=1e-9)


def test_bounded_scores_have_the_floor_of_their_best_row():
    row = torch.full((10,), -1.0, dtype=torch.float64)
    row[3] = 1.0
    loss = F.cross_entropy(row[None], torch.tensor([3])).item()
    assert bounded_score_floor(10, -1.0, 1.0) == pytest.approx(loss, rel=1e-9)
    assert bounded_score_floor(10, 0.0, 1.0) == pytest.approx(softmax_floor(10))


@given(counts)
def test_majority_share_is_the_accuracy_of_one_answer(found):
    assert majority_share(found) == max(found) / sum(found)


def test_nothing_counted():
    assert label_entropy([]) == 0.0
    assert majority_share([]) == 0.0
    assert math.isfinite(uniform_loss(0))
