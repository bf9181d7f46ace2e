"""Losses of one's own that are right: similarities, pairs, likelihoods, hazards."""

from functools import partial

from torch import nn
from torch.nn import functional as F

from corpus import tasks
from corpus.nets import mlp
from corpus.recipes import Adam, classify, regress
from corpus.register import healthy


def overlap(output, target):
    """Intersection over union of shares with a mask, by row."""
    both = (output * target).sum((1, 2))
    return ((both + 1) / (output.sum((1, 2)) + target.sum((1, 2)) - both + 1)).mean()


def bursts_net():
    return nn.Sequential(
        nn.Conv1d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv1d(12, 12, 5, padding=2), nn.ReLU(),
        nn.Conv1d(12, 1, 1), nn.Sigmoid(),
    )  # fmt: skip


@healthy(0.6, why="1 minus the overlap with a mask")
def bursts_by_overlap():
    loss = lambda output, target: 1 - overlap(output, target)  # noqa: E731
    return regress(bursts_net, tasks.bursts(), partial(Adam, lr=5e-3), epochs=15, loss=loss)


class Direction(nn.Module):
    """Vectors of length 1."""

    def __init__(self):
        super().__init__()
        self.net = mlp([10, 32, 3], nn.Tanh)

    def forward(self, x):
        return F.normalize(self.net(x), dim=1)


def angle(output, target):
    return F.cosine_similarity(output, target).mean()


@healthy(0.8, why="1 minus the cosine of two directions")
def directions_by_cosine():
    loss = lambda output, target: 1 - angle(output, target)  # noqa: E731
    return regress(
        Direction, tasks.directions(), partial(Adam, lr=5e-3), epochs=15, loss=loss, metric=None
    )


def chance_of_class(output, target):
    """Mean probability of the right class."""
    return output.softmax(1).gather(1, target.unsqueeze(1)).mean()


@healthy(0.9, why="1 minus the probability of the right class")
def digits_by_probability():
    loss = lambda output, target: 1 - chance_of_class(output, target)  # noqa: E731
    return classify(
        partial(mlp, [64, 48, 10]), tasks.digits(), partial(Adam, lr=3e-3), epochs=15, loss=loss
    )


class Pairs(nn.Module):
    """exp of minus the squared distance of two rows, which pass the same net."""

    def __init__(self, wide=10, code=6):
        super().__init__()
        self.net = mlp([wide, 32, code])

    def forward(self, x):
        one, other = self.net(x[:, 0]), self.net(x[:, 1])
        return (-(one - other).square().sum(1, keepdim=True)).exp()


def contrastive(output, same, small=1e-6):
    """Hadsell's loss, of outputs exp(-d^2)."""
    square = -(output + small).log()
    return (same * square + (1 - same) * F.relu(1.5 - (square + small).sqrt()).square()).mean()


@healthy(0.5, why="pairs that are alike are 1, others 0")
def pairs_by_distance():
    return regress(
        Pairs, tasks.pairs(), partial(Adam, lr=5e-3), epochs=20, loss=contrastive, metric=None
    )


@healthy(0.15, why="two rows of three are 0, and the mean is wanted")
def rain_by_squared_error():
    return regress(partial(mlp, [6, 32, 1]), tasks.rain(), partial(Adam, lr=3e-3), epochs=15)


@healthy(0.8, why="two rows of three are 0, and the inputs tell which")
def rain_that_is_told_by_absolute_error():
    return regress(
        partial(mlp, [6, 32, 1]),
        tasks.rain(told=True),
        partial(Adam, lr=1e-2),
        epochs=40,
        loss=nn.L1Loss(),
    )


class MeanAndVariance(nn.Module):
    """Two numbers a row; `spread` makes a variance of the second."""

    def __init__(self, spread):
        super().__init__()
        self.net = mlp([10, 32, 2])
        self.spread = spread

    def forward(self, x):
        mean, rest = self.net(x).chunk(2, 1)
        return mean, self.spread(rest)


def likelihood(output, target):
    return F.gaussian_nll_loss(output[0], target, output[1])


@healthy(0.7, why="a variance behind a softplus")
def friedman_with_variance():
    model = partial(MeanAndVariance, lambda x: F.softplus(x) + 1e-3)
    return regress(
        model, tasks.friedman(), partial(Adam, lr=5e-3), epochs=25, loss=likelihood, metric=None
    )


def hazard(output, time):
    """Cox's partial likelihood where every row has its event: small times, large outputs."""
    risk = output.flatten()[time.flatten().argsort(descending=True)]
    return -(risk - risk.logcumsumexp(0)).mean()


@healthy(-99.0, why="a hazard is large where the time is small")
def times_by_hazard():
    return regress(
        partial(mlp, [8, 24, 1]),
        tasks.plane_fit(),
        partial(Adam, lr=5e-3),
        epochs=15,
        loss=hazard,
        metric=None,
    )
