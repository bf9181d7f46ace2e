"""Metrics against scikit-learn, in one piece and batch by batch."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, mean_squared_error, r2_score
from torch import nn
from torch.nn import functional as F

from torchclinic.core import DataError, Metric, RecipeError
from torchclinic.training import (
    METRICS,
    evaluate,
    loss_kind,
    loss_name,
    metric_accumulator,
    resolve_metric,
)
from training.parts import recipe

sizes = st.lists(st.integers(1, 7), min_size=1, max_size=5)


def measured(name, loss, outputs, targets, cuts=()):
    """The metric of a split that arrives in pieces."""
    accumulator = metric_accumulator(recipe(metric=name, loss=loss))
    pieces = [len(outputs)] if not cuts else list(cuts)
    for out, target in zip(outputs.split(pieces), targets.split(pieces), strict=True):
        accumulator.update(out, target)
    return accumulator.value()


def drawn(cuts, *shape, seed=0):
    return torch.randn(sum(cuts), *shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=30, deadline=None)
@given(sizes, st.integers(0, 5))
def test_multi_class_accuracy(cuts, seed):
    scores = drawn(cuts, 4, seed=seed)
    labels = (drawn(cuts, seed=seed + 1).abs() * 3).long().clamp(max=3)
    expected = accuracy_score(labels.numpy(), scores.argmax(1).numpy())
    assert measured("accuracy", nn.CrossEntropyLoss(), scores, labels, cuts) == expected
    one_hot = F.one_hot(labels, 4).float()
    assert measured("accuracy", nn.CrossEntropyLoss(), scores, one_hot, cuts) == expected
    assert measured("accuracy", nn.MSELoss(), scores, one_hot, cuts) == expected
    assert measured("accuracy", nn.NLLLoss(), scores, labels[:, None], cuts) == expected


@settings(max_examples=30, deadline=None)
@given(sizes, st.integers(0, 5))
def test_binary_accuracy_by_the_loss(cuts, seed):
    cuts = [*cuts, 1]
    scores, truth = drawn(cuts, seed=seed), (drawn(cuts, seed=seed + 1) > 0).long()
    scores[-1], truth[-1] = -5.0, 0  # without a -1 among them, labels of -1 and 1 are not known
    expected = accuracy_score(truth.numpy(), (scores > 0).long().numpy())
    own = lambda output, target: output.mean()  # noqa: E731
    column = truth[:, None].float()
    assert measured("accuracy", nn.BCEWithLogitsLoss(), scores[:, None], truth, cuts) == expected
    assert measured("accuracy", nn.BCELoss(), scores.sigmoid(), truth.bool(), cuts) == expected
    assert measured("accuracy", nn.MSELoss(), scores.sigmoid()[:, None], column, cuts) == expected
    assert measured("accuracy", nn.MSELoss(), scores, 2 * truth - 1, cuts) == expected
    assert measured("accuracy", nn.SoftMarginLoss(), scores, 2 * truth - 1, cuts) == expected
    assert measured("accuracy", own, scores.sigmoid(), truth, cuts) == expected
    wide = torch.cat([scores * 10, torch.tensor([5.0, -5.0])])  # scores, seen to be none in [0, 1]
    labels = torch.cat([truth, torch.tensor([1, 0])])
    assert measured("accuracy", own, wide, labels) == accuracy_score(labels, wide > 0)


def test_multi_label_accuracy_counts_elements():
    scores = torch.tensor([[1.0, -1.0], [2.0, 3.0]])
    truth = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert measured("accuracy", nn.BCEWithLogitsLoss(), scores, truth) == 0.75


def test_accuracy_of_pixels_and_of_tokens():
    pixels = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    truth = pixels.argmax(1)
    truth[0, 0, 0] = (truth[0, 0, 0] + 1) % 3
    assert measured("accuracy", nn.CrossEntropyLoss(), pixels, truth) == 39 / 40
    tokens = torch.randn(2, 6, 9, generator=torch.Generator().manual_seed(1))
    own = lambda output, target: output.mean()  # noqa: E731
    assert measured("accuracy", own, tokens, tokens.argmax(-1)) == 1.0


def test_ignored_labels_are_left_out():
    scores, labels = torch.eye(3), torch.tensor([0, 2, -100])
    assert measured("accuracy", nn.CrossEntropyLoss(), scores, labels) == 0.5
    other = partial(F.cross_entropy, ignore_index=2)
    assert measured("accuracy", other, scores, torch.tensor([0, 2, 0])) == 0.5
    nothing = measured("accuracy", nn.CrossEntropyLoss(), scores, torch.full((3,), -100))
    assert np.isnan(nothing)


@settings(max_examples=40, deadline=None)
@given(sizes, st.integers(0, 9), st.sampled_from([(), (1,), (3,)]), st.floats(-1e3, 1e3))
def test_regression_metrics(cuts, seed, shape, offset):
    predicted = drawn(cuts, *shape, seed=seed).double() + offset
    truth = drawn(cuts, *shape, seed=seed + 1).double() + offset
    mse = measured("mse", nn.MSELoss(), predicted, truth, cuts)
    assert mse == pytest.approx(mean_squared_error(truth.numpy(), predicted.numpy()), rel=1e-9)
    if sum(cuts) > 1:
        r2 = measured("r2", nn.MSELoss(), predicted, truth, cuts)
        expected = r2_score(truth.numpy(), predicted.numpy())
        assert r2 == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_column_and_a_vector_agree():
    predicted, truth = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([1.0, 2.0, 4.0])
    assert measured("mse", nn.MSELoss(), predicted, truth) == pytest.approx(1 / 3)
    assert measured("r2", nn.MSELoss(), predicted, truth) == pytest.approx(0.7857, abs=1e-4)


@pytest.mark.parametrize(("predicted", "score"), [([1.0, 1.0], 1.0), ([1.0, 2.0], 0.0)])
def test_r2_of_a_constant_target(predicted, score):
    assert measured("r2", nn.MSELoss(), torch.tensor(predicted), torch.ones(2)) == score


@pytest.mark.parametrize("name", METRICS)
def test_whole_split_equals_pieces(name):
    outputs, targets = drawn([9], 1), drawn([9], 1, seed=1).round().clamp(0, 1)
    made = recipe(metric=name, loss=nn.MSELoss())
    whole = resolve_metric(made).function(outputs, targets)
    pieces = measured(name, nn.MSELoss(), outputs, targets, [4, 5])
    assert whole == pytest.approx(pieces, rel=1e-12)
    assert resolve_metric(made).name == name
    assert resolve_metric(made).higher_is_better is (name != "mse")
    assert np.isnan(metric_accumulator(made).value())


@pytest.mark.parametrize("name", METRICS)
def test_what_cannot_be_compared_is_an_error(name):
    with pytest.raises(DataError, match=r"cannot compare outputs \(4, 2\) float32 with targets"):
        measured(name, nn.BCELoss(), torch.zeros(4, 2), torch.zeros(4, 3))
    with pytest.raises(DataError, match="cannot compare"):
        metric_accumulator(recipe(metric=name)).update(torch.zeros(4, 3), {"y": 1})


def test_functions_get_the_whole_split():
    seen = []

    def worst(outputs, targets):
        seen.append((outputs.shape, targets.shape))
        return (outputs - targets).abs().max()

    made = recipe(metric=worst, loss=nn.MSELoss())
    batches = [(torch.ones(3, 1), torch.zeros(3, 1)), (torch.full((2, 1), 4.0), torch.ones(2, 1))]
    assert evaluate(made, nn.Identity(), batches) == (0.6 + 9 * 0.4, 3.0)
    assert seen == [((5, 1), (5, 1))]
    assert resolve_metric(made) == Metric("worst", worst, higher_is_better=True)
    assert resolve_metric(recipe(metric=partial(worst))).name == "worst"


def test_functions_get_nested_outputs():
    metric = Metric("gap", lambda o, t: (o["a"] - t[0]).mean(), higher_is_better=False)
    accumulator = metric_accumulator(recipe(metric=metric))
    for _ in range(2):
        accumulator.update({"a": torch.ones(2)}, (torch.zeros(2), torch.zeros(2)))
    assert accumulator.value() == 1.0


def test_a_function_that_fails_is_named_unless_the_model_has_diverged():
    made = recipe(metric=lambda o, t: int("x"), loss=nn.MSELoss())
    finite = [(torch.ones(2), torch.ones(2))]
    with pytest.raises(RecipeError, match=r"<lambda> raised ValueError on outputs \(2,\) float32"):
        evaluate(made, nn.Identity(), finite)
    assert np.isnan(evaluate(made, nn.Identity(), [(torch.full((2,), np.inf),) * 2]).metric)


def test_unknown_metrics_name_the_known_ones():
    with pytest.raises(RecipeError, match=r"no metric 'f1' \(known: accuracy, mse, r2"):
        resolve_metric(recipe(metric="f1"))
    with pytest.raises(RecipeError, match="metric is 3"):
        resolve_metric(recipe(metric=3))
    assert resolve_metric(recipe()) is None


@pytest.mark.parametrize(
    ("loss", "kind", "name"),
    [
        (nn.CrossEntropyLoss(), "cross-entropy", "CrossEntropyLoss"),
        (F.cross_entropy, "cross-entropy", "cross_entropy"),
        (partial(partial(F.nll_loss), reduction="sum"), "nll", "nll_loss"),
        (F.binary_cross_entropy_with_logits, "bce-with-logits", "binary_cross_entropy_with_logits"),
        (F.binary_cross_entropy, "bce", "binary_cross_entropy"),
        (nn.SmoothL1Loss(), "huber", "SmoothL1Loss"),
        (nn.MultiMarginLoss(), "hinge", "MultiMarginLoss"),
        (lambda o, t: o, "custom", "<lambda>"),
        (None, "custom", "custom step"),
        (type("Own", (nn.MSELoss,), {})(), "mse", "Own"),
        (type("Odd", (), {"__call__": len, "__hash__": None})(), "custom", "Odd"),
    ],
)
def test_kinds_of_losses(loss, kind, name):
    assert (loss_kind(loss), loss_name(loss)) == (kind, name)
