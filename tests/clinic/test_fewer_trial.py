"""The run once more on each half of the training rows, where validation stays behind."""

from functools import partial

import pytest
import torch
from torch.optim import Adam

from corpus import nets, tasks
from corpus.recipes import classify
from torchclinic import diagnose
from torchclinic.clinic.afterwards import fewer_trial
from torchclinic.clinic.afterwards.trials.cutting import cut
from torchclinic.core import Case, Level
from torchclinic.training import train


def texts(rows, epochs):
    data = tasks.with_validation(tasks.texts(1200))
    model = partial(nets.AttentionPool, 120, 16, 3)
    return classify(model, tasks.rows(data, rows), partial(Adam, lr=5e-3), epochs=epochs)


def test_rows_go_to_the_halves_in_turn_class_by_class():
    x = torch.arange(20.0)[:, None]
    y = torch.tensor([0, 0, 0, 1] * 5)
    one, other = cut((x, y), in_turn=True)
    assert sorted([*one[0].flatten().tolist(), *other[0].flatten().tolist()]) == list(range(20))
    assert [int(half[1].sum()) for half in (one, other)] == [3, 2]
    assert one[0].flatten().tolist()[:3] == [0.0, 2.0, 3.0]
    assert cut(iter([(x, y)])) is None


def test_a_slice_of_the_rows_is_told_from_all_of_them():
    diagnosis = diagnose(texts(200, 30))
    findings = [f for f in diagnosis.findings if f.level is not Level.INFO]
    assert [f.code for f in findings] == ["CRV103"]
    assert findings[0].title.startswith("200 rows are few")
    one, other = diagnosis.case.fewer
    assert one.predictions.rows == other.predictions.rows == 240


def test_a_training_whose_validation_keeps_up_is_not_tried_again():
    recipe = texts(960, 4)
    case = Case(history=train(recipe, 0, evaluate_train=True).history)
    before = torch.get_rng_state()
    assert fewer_trial(recipe, 0, case, 1e-3) == ()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("seconds", [10.0])
def test_a_trial_that_would_take_too_long_is_left_out(seconds):
    recipe = texts(100, 30)
    case = Case(history=train(recipe, 0, evaluate_train=True).history)
    assert fewer_trial(recipe, 0, case, seconds) == ()
