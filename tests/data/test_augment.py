"""mixup and CutMix: what they mix, what they expect, and how a Recipe uses them."""

from collections import namedtuple
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

from torchclinic.core import DataError, Recipe, Splits, UsageError
from torchclinic.data import CutMix, Mixup, augmented, batches, cutmix, mixup, split
from torchclinic.training import Checkpoints, train


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def table(rows=12, classes=4):
    x = torch.randn(rows, 5, generator=seeded())
    return x, torch.arange(rows) % classes


def images(rows=6, classes=3, size=8):
    """Images of one value each, which says whose they are."""
    x = torch.arange(rows, dtype=torch.float64).reshape(-1, 1, 1, 1).expand(rows, 2, size, size)
    return x.clone(), torch.arange(rows) % classes


@given(st.integers(1, 9), st.integers(2, 5), st.floats(0.05, 5), st.booleans(), st.integers(0, 99))
def test_mixup_mixes_inputs_and_targets_alike(rows, classes, alpha, by_row, seed):
    one_hot = torch.eye(classes, dtype=torch.float64)[torch.arange(rows) % classes]
    inputs = torch.cat([one_hot, torch.eye(rows, dtype=torch.float64)], 1)
    y = torch.arange(rows) % classes
    mixed, soft = Mixup(alpha, classes, by_row)((inputs, y), seeded(seed))
    torch.testing.assert_close(mixed[:, :classes], soft.double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(soft.sum(1), torch.ones(rows), atol=1e-5, rtol=0)
    whose = mixed[:, classes:]  # lambda on the row itself, 1 - lambda on another
    assert bool(((whose > 0).sum(1) <= 2).all())
    torch.testing.assert_close(whose.sum(1), torch.ones(rows, dtype=torch.float64))
    if not by_row:  # one lambda: each row gives away what it gets
        torch.testing.assert_close(whose.sum(0), torch.ones(rows, dtype=torch.float64))


def test_mixup_by_hand():
    x, y = table()
    mixed, soft = Mixup(0.7, 4)((x, y), seeded(5))
    generator = seeded(5)
    other = torch.randperm(12, generator=generator)
    share = (mixed - x[other])[0, 0] / (x - x[other])[0, 0]
    torch.testing.assert_close(mixed, share * x + (1 - share) * x[other])
    hot = torch.eye(4)
    torch.testing.assert_close(soft, share * hot[y] + (1 - share) * hot[y[other]])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_lambda_is_beta_distributed(alpha):
    transform, generator = Mixup(alpha, by_row=True), seeded()
    drawn = torch.cat(
        [transform((torch.eye(2), torch.zeros(2, 1)), generator)[0].diagonal() for _ in range(600)]
    )
    inner = drawn[drawn < 1].numpy()  # a row that is mixed with itself stays whole
    assert stats.kstest(inner, stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_the_expectation_of_mixup():
    x, y = table(6, 3)
    generator, transform = seeded(), Mixup(0.4, 3, by_row=True)
    draws = [transform((x, y), generator) for _ in range(4000)]
    mean_x = torch.stack([x for x, _ in draws]).mean(0)
    mean_y = torch.stack([y for _, y in draws]).mean(0)
    hot = torch.eye(3)[y]
    torch.testing.assert_close(mean_x, (x + x.mean(0)) / 2, atol=0.08, rtol=0)
    torch.testing.assert_close(mean_y, (hot + hot.mean(0)) / 2, atol=0.03, rtol=0)


@given(st.integers(2, 7), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_cutmix_shares_are_the_areas(rows, height, width, seed):
    x = torch.arange(rows, dtype=torch.float64).reshape(-1, 1, 1, 1)
    y = torch.eye(rows, dtype=torch.float64)
    cut, soft = CutMix(0.8)((x.expand(rows, 3, height, width), y), seeded(seed))
    for row in range(rows):
        for other in range(rows):
            share = float((cut[row] == other).double().mean())
            assert share == pytest.approx(float(soft[row, other]))
    assert all(torch.equal(cut[:, 0], cut[:, c]) for c in range(3))


def test_cutmix_pastes_one_box():
    x, _ = images(4, size=16)
    boxes = 0
    for seed in range(30):
        cut, _ = CutMix(1.0)((x, torch.eye(4)), seeded(seed))
        changed = (cut != x)[:, 0]
        touched = changed.any(0)
        rows, columns = touched.any(1).nonzero().flatten(), touched.any(0).nonzero().flatten()
        if len(rows):
            boxes += 1
            whole = torch.zeros(16, 16, dtype=torch.bool)
            whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
            assert torch.equal(touched, whole)
    assert boxes > 20


def test_the_mean_area_of_cutmix_before_the_edge():
    """With a box that cannot leave the image its area is 1 - lambda, even on average 1/2."""
    x, y = torch.zeros(2, 1, 64, 64), torch.eye(2)
    kept = [float(CutMix(1.0)((x, y), seeded(s))[1].max(1).values.min()) for s in range(300)]
    swapped = [k for k in kept if k < 1]
    assert 0.5 < np.mean(swapped) < 0.9  # cut boxes leave more


Pair = namedtuple("Pair", "x y")


@pytest.mark.parametrize(
    "batch",
    [
        table(),
        list(table()),
        Pair(*table()),
        {"x": table()[0], "label": table()[1]},
        (table()[0], table()[0], table()[1]),
    ],
    ids=["tuple", "list", "named", "dict", "three"],
)
def test_structures_are_kept(batch):
    mixed = Mixup(1.0, 4)(batch, seeded())
    assert type(mixed) is type(batch)
    assert len(mixed) == len(batch)
    if isinstance(batch, dict):
        assert list(mixed) == list(batch)
        assert mixed["label"].shape == (12, 4)
    else:
        assert mixed[-1].shape == (12, 4)
        assert mixed[0].shape == batch[0].shape
    if len(batch) == 3:
        assert torch.equal(mixed[0], mixed[1])


def test_real_targets_are_mixed_as_they_are():
    x = torch.randn(8, 1, generator=seeded())
    mixed, target = mixup((x, 3 * x + 1), 1.0, generator=seeded())
    torch.testing.assert_close(target, 3 * mixed + 1)
    assert not torch.equal(mixed, x)


def test_the_given_batch_and_the_global_generator_are_left_alone():
    x, y = images()
    before, state = x.clone(), torch.get_rng_state()
    mixup((x, y), classes=3, generator=seeded())
    cutmix((x, y), classes=3, generator=seeded())
    assert torch.equal(x, before)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(1)
    first = mixup((x, y), classes=3)[0]
    torch.manual_seed(1)
    assert torch.equal(first, mixup((x, y), classes=3)[0])


@pytest.mark.parametrize(
    ("call", "quoted"),
    [
        (lambda: mixup(table()), "how many classes"),
        (lambda: mixup(table(), classes=3), "from 0 to 3 are no 3 classes"),
        (lambda: mixup((torch.zeros(3, 2).long(), torch.zeros(3))), "torch.int64"),
        (lambda: mixup(torch.zeros(3)), "no target tensor"),
        (lambda: mixup({"x": torch.zeros(3), "z": torch.zeros(3)}), "no target tensor"),
        (lambda: cutmix(table(), classes=4), r"these are \(12, 5\)"),
    ],
)
def test_batches_that_cannot_be_mixed(call, quoted):
    with pytest.raises(DataError, match=quoted):
        call()


@pytest.mark.parametrize(
    ("call", "quoted"),
    [
        (lambda: Mixup(0.0), "alpha is 0.0"),
        (lambda: CutMix(-1.0), "alpha is -1.0"),
        (lambda: Mixup(float("nan")), "alpha is nan"),
        (lambda: CutMix(classes=1), "classes is 1"),
        (lambda: augmented(table()), "at least one"),
        (lambda: augmented(table(), 0.2), "0.2"),
    ],
)
def test_senseless_options(call, quoted):
    with pytest.raises(UsageError, match=quoted):
        call()


# ------------------------------------------------------------------------------- in a Recipe


def recipe(**changes):
    fields = {
        "model": partial(nn.Linear, 5, 4),
        "data": Splits(train=augmented(table(40), Mixup(0.4)), validation=table(12)),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": partial(SGD, lr=0.1),
        "batch_size": 8,
        "epochs": 3,
        "metric": "accuracy",
    }
    return Recipe(**{**fields, **changes})


def test_rows_come_in_the_order_in_which_they_would_without():
    plain, seen = [], []

    def peek(batch, generator):
        seen.append(batch[0])
        torch.rand(3, generator=generator)
        return batch

    for source, note in ((table(20), plain), (augmented(table(20), peek), None)):
        data, order = batches(source, batch_size=6, shuffle=True), seeded(3)
        for _ in range(2):
            for x, _ in data.epoch(order):
                if note is not None:
                    note.append(x)
    assert len(plain) == 8
    assert all(torch.equal(a, b) for a, b in zip(plain, seen, strict=True))


@pytest.mark.parametrize("source", [table(16), DataLoader(TensorDataset(*table(16)), 4)])
def test_every_epoch_draws_anew_and_every_seed_again(source):
    data = batches(augmented(source, Mixup(0.5, 4)), batch_size=4)
    order = seeded(2)
    first, second = ([x for x, _ in data.epoch(order)] for _ in "ab")
    again = [x for x, _ in data.epoch(seeded(2))]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert len(data) == 4


def test_classes_are_read_from_data_in_memory():
    source = augmented(table(), Mixup(0.2))
    assert source.transforms[0].classes == 4
    loader = augmented(DataLoader(TensorDataset(*table()), 4), Mixup(0.2))
    assert loader.transforms[0].classes is None
    both = augmented(augmented(images(), Mixup(0.2)), CutMix())
    assert [type(t).__name__ for t in both.transforms] == ["Mixup", "CutMix"]
    assert next(batches(both).epoch(seeded()))[1].shape == (6, 3)


def test_samples_and_held_out_rows_are_not_transformed():
    source = augmented(table(40), Mixup(0.4))
    y = batches(source).sample(10)[1]
    assert y.dtype == torch.int64
    train_part, held_out = split(source, (0.75, 0.25))
    assert train_part.transforms == source.transforms
    assert len(held_out[1]) == 10
    assert held_out[1].dtype == torch.int64


def test_a_training_on_mixed_rows():
    mixed, plain = recipe(), recipe(data=Splits(train=table(40), validation=table(12)))
    run, other = train(mixed, 1, evaluate_train=True), train(plain, 1)
    assert run.history.losses != other.history.losses
    assert run.history.losses == train(mixed, 1, evaluate_train=True).history.losses
    assert {e.split for e in run.history.evaluations} == {"train", "validation"}


def test_label_smoothing_takes_mixed_targets_as_it_takes_class_numbers():
    scores = torch.randn(12, 4, generator=seeded(1))
    _, y = table()
    hot = nn.functional.one_hot(y, 4).float()
    smooth = nn.CrossEntropyLoss(label_smoothing=0.1)
    torch.testing.assert_close(smooth(scores, hot), smooth(scores, y))
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    assert train(recipe(loss=loss), 1, max_steps=3).history.losses[0] > 0


def test_dropout_draws_the_same_whether_the_data_are_mixed_or_not():
    masks = []

    def step(model, batch):
        if model.training:
            masks.append(nn.functional.dropout(torch.ones(20), 0.5))
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    train(recipe(loss=None, step=step, metric=None), 2)
    mixed, masks[:] = list(masks), []
    plain = Splits(train=table(40), validation=table(12))
    train(recipe(loss=None, step=step, metric=None, data=plain), 2)
    assert all(torch.equal(a, b) for a, b in zip(mixed, masks, strict=True))


class Killed(BaseException):
    pass


def test_a_killed_run_goes_on_with_the_same_draws(tmp_path):
    made = recipe()
    whole = train(made, 4)

    def kill(step, loss):
        if step == 8:
            raise Killed

    policy = Checkpoints(tmp_path / "run", seconds=None, steps=3)
    with pytest.raises(Killed):
        train(made, 4, checkpoint=policy, on_step=kill)
    assert train(made, 4, checkpoint=policy).history.losses == whole.history.losses
