"""Data of the corpus: small, varied, made or embedded; each a cached `Splits`."""

import math
from functools import cache

import torch
from sklearn import datasets

from torchclinic.core import Splits
from torchclinic.data import blobs, circles, digits, moons, noisy_line, spirals, split

__all__ = ["blobs", "circles", "digits", "moons", "noisy_line", "spirals"]


def with_validation(splits, fraction=0.2, seed=0):
    """Set a part of the training set aside for validation."""
    train, validation = split(splits.train, (1 - fraction, fraction), seed=seed)
    return Splits(train, validation, splits.test, splits.name, splits.meta)


def changed(splits, inputs=None, targets=None, parts=("train", "validation", "test")):
    """Apply functions to the inputs and targets of some parts."""

    def apply(name):
        part = getattr(splits, name)
        if part is None or name not in parts:
            return part
        x, y = part
        return (inputs(x) if inputs else x, targets(y) if targets else y)

    done = {name: apply(name) for name in ("train", "validation", "test")}
    return Splits(**done, name=splits.name, meta=splits.meta)


def rows(splits, count):
    """The first `count` rows of the training set."""
    x, y = splits.train
    return Splits((x[:count], y[:count]), splits.validation, splits.test, splits.name)


def column(y):
    """Labels as a float column, for binary losses."""
    return y.float().unsqueeze(1)


def one_hot(y):
    return torch.nn.functional.one_hot(y).float()


@cache
def unit_digits(*, image=False):
    """Digits scaled to [0, 1], as images often are."""
    return changed(digits(image=image, normalize=False), lambda x: x / 16)


@cache
def raw_digits(*, image=False):
    """Digits in grey values of 0 to 255, as bytes come from a file."""
    return changed(digits(image=image, normalize=False), lambda x: (x / 16 * 255).round())


@cache
def embedded(name, *, scale=True, seed=0):
    """A table that scikit-learn carries: "breast_cancer", "wine", "iris", "diabetes"."""
    data, target = getattr(datasets, f"load_{name}")(return_X_y=True)
    x = torch.as_tensor(data, dtype=torch.float32)
    y = torch.as_tensor(target, dtype=torch.float32 if name == "diabetes" else torch.int64)
    (x, y), (test_x, test_y) = split((x, y), (0.75, 0.25), seed=seed)
    if scale:
        mean, std = x.mean(0), x.std(0)
        x, test_x = (x - mean) / std, (test_x - mean) / std
    if name == "diabetes":
        y, test_y = ((t.unsqueeze(1) - 152) / 77 for t in (y, test_y))
    return Splits((x, y), None, (test_x, test_y), name)


def _generated(make, rows, name, seed):
    generator = torch.Generator().manual_seed(seed)
    return Splits(make(rows, generator), None, make(rows // 2, generator), name)


@cache
def sine(rows=600, *, noise=0.1, frequency=2.0, seed=0):
    """y = sin(frequency x) + noise on [-3, 3]."""

    def make(count, generator):
        x = 6 * torch.rand(count, 1, generator=generator) - 3
        return x, (frequency * x).sin() + noise * torch.randn(count, 1, generator=generator)

    return _generated(make, rows, "sine", seed)


@cache
def friedman(rows=800, *, noise=1.0, standard=True, seed=0):
    """Friedman's first function of 10 features, of which 5 matter."""

    def make(count, generator):
        x = torch.rand(count, 10, generator=generator)
        y = 10 * (math.pi * x[:, 0] * x[:, 1]).sin() + 20 * (x[:, 2] - 0.5) ** 2
        y = y + 10 * x[:, 3] + 5 * x[:, 4] + noise * torch.randn(count, generator=generator)
        if standard:
            return (x - 0.5) * math.sqrt(12), ((y - 14.4) / 5.0).unsqueeze(1)
        return x, (y / 8).unsqueeze(1)

    return _generated(make, rows, "friedman", seed)


@cache
def plane_fit(rows=400, *, features=8, seed=0):
    """A linear function of some features with little noise."""

    def make(count, generator):
        weight = torch.linspace(-1, 1, features)
        x = torch.randn(count, features, generator=generator)
        y = x @ weight + 0.1 * torch.randn(count, generator=generator)
        return x, y.unsqueeze(1)

    return _generated(make, rows, "linear", seed)


@cache
def waves(rows=500, *, length=24, classes=3, seed=0):
    """Noisy sines of random phase; the class is the frequency. Shape (rows, length, 1)."""

    def make(count, generator):
        y = torch.randint(0, classes, (count,), generator=generator)
        phase = 2 * math.pi * torch.rand(count, 1, generator=generator)
        time = torch.linspace(0, 2 * math.pi, length)
        x = ((1 + 1.5 * y[:, None]) * time + phase).sin()
        return (x + 0.2 * torch.randn(count, length, generator=generator)).unsqueeze(2), y

    return _generated(make, rows, "waves", seed)


@cache
def recall(rows=800, *, length=12, symbols=4, seed=0):
    """One-hot symbols; the class is the first of them."""

    def make(count, generator):
        tokens = torch.randint(0, symbols, (count, length), generator=generator)
        return torch.nn.functional.one_hot(tokens, symbols).float(), tokens[:, 0]

    return _generated(make, rows, "recall", seed)


@cache
def forecast(rows=600, *, length=20, seed=0):
    """The next value of a sum of two sines. Shapes (rows, length, 1) and (rows, 1)."""

    def make(count, generator):
        start = 20 * torch.rand(count, 1, generator=generator)
        time = start + 0.3 * torch.arange(length + 1)
        series = time.sin() + 0.5 * (2.3 * time).sin()
        series = series + 0.05 * torch.randn(series.shape, generator=generator)
        return series[:, :-1].unsqueeze(2), series[:, -1:]

    return _generated(make, rows, "forecast", seed)


@cache
def texts(rows=600, *, length=16, vocabulary=120, classes=3, seed=0):
    """Token numbers; each class prefers a third of the vocabulary a little."""

    def make(count, generator):
        y = torch.randint(0, classes, (count,), generator=generator)
        common = torch.randint(0, vocabulary, (count, length), generator=generator)
        own = torch.randint(0, vocabulary // classes, (count, length), generator=generator)
        own = own + (y * (vocabulary // classes)).unsqueeze(1)
        chosen = torch.rand(count, length, generator=generator) < 0.35
        return torch.where(chosen, own, common), y

    return _generated(make, rows, "texts", seed)


@cache
def ordered(rows=800, *, length=10, vocabulary=12, seed=0):
    """Token numbers; the class is whether token 0 stands before token 1."""

    def make(count, generator):
        tokens = torch.randint(2, vocabulary, (count, length), generator=generator)
        places = torch.rand(count, length, generator=generator).argsort(1)[:, :2]
        tokens.scatter_(1, places, torch.tensor([[0, 1]]).expand(count, 2))
        return tokens, (places[:, 0] < places[:, 1]).long()

    return _generated(make, rows, "ordered", seed)


@cache
def pictures():
    """Digits in [0, 1] that are their own targets, for autoencoders."""
    source = unit_digits()
    return Splits(
        (source.train[0], source.train[0]), None, (source.test[0], source.test[0]), "pictures"
    )


@cache
def bursts(rows=400, *, length=32, seed=0):
    """Noisy signals with one stretch that is higher, and where it is. Shape (rows, 1, length)."""

    def make(count, generator):
        start = torch.randint(0, length - 8, (count, 1), generator=generator)
        time = torch.arange(length)
        mask = ((time >= start) & (time < start + 6)).float().unsqueeze(1)
        return 1.5 * mask + 0.5 * torch.randn(count, 1, length, generator=generator), mask

    return _generated(make, rows, "bursts", seed)


@cache
def directions(rows=500, *, seed=0):
    """Unit vectors of three numbers, from ten features."""

    def make(count, generator):
        matrix = torch.randn(10, 3, generator=torch.Generator().manual_seed(1))
        x = torch.randn(count, 10, generator=generator)
        y = x @ matrix + 0.3 * torch.randn(count, 3, generator=generator)
        return x, y / y.norm(dim=1, keepdim=True)

    return _generated(make, rows, "directions", seed)


@cache
def pairs(rows=800, *, kinds=3, seed=0):
    """Two rows of ten features each (rows, 2, 10), and whether they are of one kind."""

    def make(count, generator):
        centres = 2 * torch.randn(kinds, 10, generator=torch.Generator().manual_seed(2))
        kind = torch.randint(0, kinds, (count, 2), generator=generator)
        same = torch.rand(count, generator=generator) < 0.5
        kind[:, 1] = torch.where(same, kind[:, 0], (kind[:, 0] + 1 + kind[:, 1] % 2) % kinds)
        x = centres[kind] + torch.randn(count, 2, 10, generator=generator)
        return x, (kind[:, 0] == kind[:, 1]).float().unsqueeze(1)

    return _generated(make, rows, "pairs", seed)


@cache
def rain(rows=900, *, told=False, seed=0):
    """Amounts that are 0 in two rows of three; the inputs hardly say which, or they do."""

    def make(count, generator):
        x = torch.randn(count, 6, generator=generator)
        unknown = 0.0 if told else 1.5
        sky = x[:, 0] + unknown * torch.randn(count, generator=generator)
        wet = sky > 0.45 * (1 + unknown**2) ** 0.5
        amount = 1 + 0.3 * x[:, 1].tanh()
        return x, (wet.float() * amount).unsqueeze(1)

    return _generated(make, rows, "rain", seed)
