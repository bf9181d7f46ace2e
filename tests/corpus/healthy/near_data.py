"""Healthy trainings whose data looks like a fault of data, and is none."""

import math
from functools import cache, partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from corpus import tasks
from corpus.nets import cnn, mlp
from corpus.recipes import SGD, Adam, AdamW, classify, regress
from corpus.register import healthy
from torchclinic.core import Metric, Splits


def drawn(seed):
    return torch.Generator().manual_seed(seed)


def cut(x, y, train, validation, name):
    """Rows in order: training, validation, test."""
    end = train + validation
    return Splits((x[:train], y[:train]), (x[train:end], y[train:end]), (x[end:], y[end:]), name)


@cache
def rare_class():
    generator = drawn(3)
    shares = torch.tensor([0.5, 0.3, 0.18, 0.02])
    y = torch.multinomial(shares, 900, True, generator=generator)
    x = torch.randn(900, 6, generator=generator) + 3 * F.one_hot(y, 6).float()
    chosen = torch.arange(900)
    without = [i for i in chosen[600:].tolist() if int(y[i]) != 3][:40]
    rest = [i for i in chosen[600:].tolist() if i not in without]
    parts = [chosen[:600], torch.tensor(without), torch.tensor(rest)]
    return Splits(*((x[part], y[part]) for part in parts), name="rare")


@healthy(0.9, why="40 validation rows lack a class of 2 % by chance")
def rare_class_not_in_validation():
    return classify(partial(mlp, [6, 32, 4]), rare_class(), partial(Adam, lr=5e-3), epochs=20)


@cache
def growing_series():
    generator = drawn(4)
    time = torch.arange(1100.0)
    series = time / 400 + (time / 8).sin() + 0.1 * torch.randn(1100, generator=generator)
    windows = series.unfold(0, 17, 1) - 1.4
    return cut(windows[:, :16], windows[:, 16:], 750, 150, "growing")


@healthy(0.6, why="later windows lie higher: a trend, not a fault of preparation")
def growing_series_in_order():
    model = partial(mlp, [16, 32, 1], nn.SiLU)
    return regress(model, growing_series(), partial(Adam, lr=3e-3), epochs=40, batch_size=25)


class Moved(Dataset):
    """Pictures moved by up to a pixel and noised a little, anew each time."""

    def __init__(self, part):
        self.x, self.y = part

    def __len__(self):
        return len(self.x)

    def __getitem__(self, row):
        right, down = torch.randint(-1, 2, (2,)).tolist()
        x = self.x[row].roll((down, right), (-2, -1))
        return x + 0.1 * torch.randn_like(x), self.y[row]


@healthy(0.88, why="augmentation of the training part alone is meant so")
def digits_moved_and_noised():
    data = tasks.with_validation(tasks.unit_digits(image=True))
    data = Splits(Moved(data.train), data.validation, data.test, "digits")
    return classify(cnn, data, partial(Adam, lr=3e-3), epochs=12)


@cache
def counted():
    generator = drawn(5)
    x = torch.randn(1100, 5, generator=generator)
    rate = (1.2 + 0.7 * x[:, 0] - 0.5 * x[:, 1]).exp().clamp(max=12)
    y = torch.poisson(rate, generator=generator)
    return cut(x, y[:, None], 700, 150, "counts")


@healthy(0.5, why="counts are whole numbers and an order: a regression suits them")
def counts_by_squared_error():
    return regress(partial(mlp, [5, 32, 1]), counted(), partial(Adam, lr=5e-3), epochs=25)


@cache
def graded():
    generator = drawn(6)
    x = torch.randn(1100, 8, generator=generator)
    hidden = x[:, 0] + 0.7 * x[:, 1] + 0.3 * torch.randn(1100, generator=generator)
    grade = torch.bucketize(hidden, torch.tensor([-1.5, -0.8, 0.0, 0.8, 1.5])).float()
    return cut(x, grade[:, None], 700, 150, "grades")


@healthy(0.75, why="grades from 0 to 5 are an order; a metric that rounds them does no harm")
def grades_by_squared_error():
    near = Metric("accuracy", lambda out, y: float((out.round() == y).float().mean()))
    model = partial(mlp, [8, 32, 1])
    return regress(model, graded(), partial(Adam, lr=5e-3), epochs=25, metric=near)


@cache
def categories():
    generator = drawn(7)
    kinds = [torch.randint(0, n, (1300,), generator=generator) for n in (3, 2, 4)]
    score = 2.4 * kinds[1] - 1.0 * kinds[0] + 0.3 * kinds[2] - 0.6
    y = (torch.rand(1300, generator=generator) < score.sigmoid()).long()
    x = torch.cat([F.one_hot(k, n) for k, n in zip(kinds, (3, 2, 4), strict=True)], 1).float()
    return cut(x, y, 800, 250, "categories")


@healthy(0.68, why="24 different rows that contradict each other: so are tables of categories")
def few_categories():
    return classify(partial(mlp, [9, 16, 2]), categories(), partial(Adam, lr=5e-3), epochs=15)


@cache
def heavy_tailed():
    generator = drawn(8)
    x = torch.randn(1100, 5, generator=generator)
    y = (0.8 * x[:, 0] - 0.5 * x[:, 1] + 0.3 * torch.randn(1100, generator=generator)).exp()
    return cut(x, ((y - y.mean()) / y.std())[:, None], 750, 150, "heavy tail")


@healthy(0.35, why="prices have a heavy tail, and no gap in it")
def heavy_tailed_targets():
    model = partial(mlp, [5, 48, 48, 1])
    return regress(model, heavy_tailed(), partial(AdamW, lr=3e-3), epochs=25)


@cache
def grouped():
    generator = drawn(9)
    group = torch.arange(1200) // 60
    y = torch.randint(0, 3, (1200,), generator=generator)
    centres = 2.5 * torch.randn(3, 12, generator=generator)
    offsets = 0.7 * torch.randn(20, 12, generator=generator)
    x = centres[y] + offsets[group] + torch.randn(1200, 12, generator=generator)
    return cut(x, y, 780, 180, "groups")


@healthy(0.9, why="validation holds other patients, whose values lie a little elsewhere")
def other_groups_in_validation():
    return classify(partial(mlp, [12, 32, 3]), grouped(), partial(SGD, lr=0.1), epochs=15)


@healthy(0.9, why="a few dozen rows, many columns of which are nearly constant")
def forty_rows_of_digits():
    full = tasks.with_validation(tasks.unit_digits())
    x, y = full.train
    chosen = torch.cat([(y == label).nonzero().flatten()[:40] for label in (0, 1, 6)])
    part = (x[chosen[::3]], y[chosen[::3]])

    def some(pair):
        kept = sum((pair[1] == label) for label in (0, 1, 6)).bool()
        return pair[0][kept], pair[1][kept]

    data = Splits(part, some(full.validation), some(full.test), "few")
    return classify(
        partial(mlp, [64, 32, 10]), data, partial(Adam, lr=5e-3), epochs=40, batch_size=10
    )


@cache
def unlabelled():
    full = tasks.with_validation(tasks.digits())
    y = full.train[1].clone()
    y[::3] = -100
    return Splits((full.train[0], y), full.validation, full.test, "unlabelled")


@healthy(0.88, why="-100 marks rows without a label")
def rows_without_a_label():
    return classify(partial(mlp, [64, 64, 10]), unlabelled(), partial(Adam, lr=3e-3), epochs=15)


class Tagger(nn.Module):
    """A tag for each token, scores in dimension 1."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 16)
        self.mix = nn.Conv1d(16, 32, 3, padding=1)
        self.head = nn.Conv1d(32, 4, 1)

    def forward(self, tokens):
        return self.head(self.mix(self.embed(tokens).movedim(2, 1)).relu())


@cache
def tagged():
    generator = drawn(11)
    tokens = torch.randint(1, 30, (900, 12), generator=generator)
    lengths = torch.randint(5, 13, (900, 1), generator=generator)
    tokens = torch.where(torch.arange(12) < lengths, tokens, 0)
    before = F.pad(tokens, (1, 0))[:, :-1]
    tags = 1 + ((tokens + before) % 3 + (tokens > 20).long()).clamp(max=2)
    return cut(tokens, torch.where(tokens > 0, tags, 0), 600, 150, "tags")


@healthy(0.35, why="0 is padding in tokens and tags, and is ignored")
def tags_with_padding():
    return classify(
        Tagger,
        tagged(),
        partial(Adam, lr=1e-2),
        epochs=12,
        loss=nn.CrossEntropyLoss(ignore_index=0),
        metric=None,
    )


@healthy(0.85, why="the hour is a circle: whole numbers that are an order nearly everywhere")
def hours_by_squared_error():
    generator = drawn(12)
    hour = torch.randint(0, 24, (1100,), generator=generator)
    angle = hour * 2 * math.pi / 24
    x = torch.stack((angle.sin(), angle.cos()), 1)
    x = x + 0.05 * torch.randn(1100, 2, generator=generator)
    y = (hour.float()[:, None] - 11.5) / 1.0
    data = cut(x, y, 750, 150, "hours")
    return regress(partial(mlp, [2, 64, 64, 1]), data, partial(Adam, lr=1e-2), epochs=40)
