import math

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from torchclinic.core import DataError
from torchclinic.data import blobs, circles, digits, moons, noisy_line, spirals

SETS = {
    "digits": digits,
    "noisy_line": noisy_line,
    "moons": moons,
    "circles": circles,
    "blobs": blobs,
    "spirals": spirals,
    "three spirals": lambda **k: spirals(classes=3, **k),
}


@pytest.mark.parametrize("name", SETS)
def test_the_seed_alone_decides_the_points(name):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, again, other = SETS[name](seed=4), SETS[name](seed=4), SETS[name](seed=5)
    assert torch.equal(first.train[1], again.train[1])
    assert torch.equal(first.train[0], again.train[0])
    same = [torch.equal(a, b) for a, b in zip(first.train, other.train, strict=True)]
    assert not all(same)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", [n for n in SETS if n != "noisy_line"])
def test_classes_are_balanced_and_can_be_learnt(name):
    splits = SETS[name]()
    x, y = splits.train
    counts = y.bincount().tolist()
    assert x.dtype == torch.float32
    assert y.dtype == torch.int64
    assert len(counts) == len(splits.meta["classes"])
    assert max(counts) - min(counts) <= max(1, 0.1 * min(counts))
    score = KNeighborsClassifier(5).fit(x, y).score(*splits.test)
    assert score > 0.9


def test_digits_are_those_of_scikit_learn():
    raw = digits(normalize=False)
    x = torch.cat([raw.train[0], raw.test[0]])
    y = torch.cat([raw.train[1], raw.test[1]])
    oracle = load_digits()
    ours = sorted((int(b), a.tolist()) for a, b in zip(x, y, strict=True))
    theirs = sorted((int(b), a.tolist()) for a, b in zip(oracle.data, oracle.target, strict=True))
    assert ours == theirs
    assert len(raw.test[1]) == pytest.approx(0.2 * len(y), abs=1)
    share = raw.test[1].bincount() / y.bincount()
    assert ((share - 0.2).abs() < 0.01).all()


def test_digits_are_scaled_by_the_training_set():
    x, _ = digits().train
    raw, _ = digits(normalize=False).train
    assert x.mean().item() == pytest.approx(0, abs=1e-5)
    assert x.std().item() == pytest.approx(1, abs=1e-5)
    test, raw_test = digits().test[0], digits(normalize=False).test[0]
    assert torch.allclose(test * raw.std() + raw.mean(), raw_test, atol=1e-4)


def test_digit_images_are_the_same_pixels():
    flat, image = digits().train[0], digits(image=True).train[0]
    assert image.shape[1:] == (1, 8, 8)
    assert torch.equal(image.flatten(1), flat)


def test_the_line_is_the_specified_one():
    splits = noisy_line()
    (x, y), (test_x, test_y) = splits.train, splits.test
    assert torch.equal(x, torch.linspace(-1, 1, 50).unsqueeze(1))
    assert torch.equal(test_x, x)
    assert not torch.equal(test_y, y)
    big = noisy_line(20_000).train
    assert (big[1] - big[0]).std().item() == pytest.approx(0.3, rel=0.03)


def test_noiseless_shapes_lie_on_their_curves():
    x, y = circles(noise=0.0, inner=0.4).train
    expected = torch.where(y == 0, 1.0, 0.4)
    assert torch.allclose(x.norm(dim=1), expected, atol=1e-6)
    x, y = spirals(noise=0.0, classes=3, turns=1.0).train
    radius = x.norm(dim=1)
    angle = torch.atan2(x[:, 1], x[:, 0])
    wanted = 2 * math.pi * (radius + y / 3)
    assert (torch.cos(angle - wanted) > 1 - 1e-4)[radius > 0.01].all()
    x, y = moons(noise=0.0).train
    centre = torch.where((y == 0)[:, None], torch.tensor([-0.5, -0.25]), torch.tensor([0.5, 0.25]))
    assert torch.allclose((x - centre).norm(dim=1), torch.ones(len(x)), atol=1e-5)


def test_too_few_rows_are_refused():
    with pytest.raises(DataError, match="rows is 3 for 2 classes"):
        moons(3)
