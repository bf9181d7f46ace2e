"""Curves side by side: ended runs are NaN, diverged ones have no final score."""

import numpy as np
import pytest

from torchclinic.core import Evaluation, History, Run, TrainingError
from torchclinic.gallery import Settings
from torchclinic.gallery.arms import curves, train_arms
from torchclinic.gallery.data import epochs, images, pixels


def run(values, ending="budget"):
    evaluations = tuple(Evaluation(s, "test", 1.0 - v, v) for s, v in values)
    return Run("r", 0, History(losses=(1.0,) * len(values), evaluations=evaluations, ending=ending))


def test_runs_of_different_length_lie_side_by_side():
    arm = curves("a", [run([(1, 0.5), (2, 0.6)]), run([(1, 0.4)], "diverged")])
    assert arm.steps == (1, 2)
    np.testing.assert_allclose(arm.metric, [[0.5, 0.6], [0.4, np.nan]])
    assert arm.final[0] == 0.6
    assert np.isnan(arm.final[1])
    assert arm.train_loss.shape == (2, 2)


def test_where_a_run_broke_off_the_others_are_not_left_out_of_the_mean():
    whole = run([(10, 0.5), (20, 0.6), (30, 0.7)])
    arm = curves("a", [whole, run([(10, 0.4), (17, 0.1)], "diverged"), whole])
    assert arm.steps == (10, 20, 30)
    np.testing.assert_allclose(arm.metric[1], [0.4, np.nan, np.nan])
    assert curves("a", [run([(3, 0.1)], "diverged"), run([(7, 0.1)], "diverged")]).steps == (7,)


def test_training_losses_in_blocks():
    arm = curves("a", [Run("r", 0, History(losses=(3.0, 1.0, 2.0, 4.0, 9.0), ending="budget"))])
    updates, means = arm.training(2)
    assert updates.tolist() == [2, 4]
    np.testing.assert_allclose(means, [[2.0, 3.0]])
    assert arm.training(0)[1].shape == (1, 5)


def test_a_run_that_fails_is_an_error():
    import torch
    from torch import nn

    import torchclinic as tc

    broken = tc.Recipe(
        model=lambda: nn.Linear(3, 1), data=(torch.zeros(4, 2), torch.zeros(4, 1)),
        loss=nn.MSELoss(), optimizer=lambda p: torch.optim.SGD(p, lr=0.1), steps=1,
    )  # fmt: skip
    with pytest.raises(TrainingError, match="arm 'broken' with seed 0"):
        train_arms({"broken": broken}, Settings(seeds=1))


def test_images_and_epochs():
    x, labels = images(Settings()).train
    assert x.shape[1] == pixels(Settings()) == 64
    assert len(x) == len(labels)
    assert images(Settings(), flat=False).train[0].shape[1:] == (1, 8, 8)
    assert (epochs(Settings(fast=True)), epochs(Settings(data="mnist"))) == (10, 5)
