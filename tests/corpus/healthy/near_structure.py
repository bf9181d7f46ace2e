"""Healthy trainings that look like those whose structure loses the answer."""

from functools import cache, partial

import torch
from torch import nn
from torch.nn import functional as F

from corpus import nets, tasks
from corpus.nets import Recurrent, mlp
from corpus.recipes import SGD, Adam, classify, regress
from corpus.register import healthy
from torchclinic.core import Splits

PADDING = 40


@healthy(0.9, why="statistics far from those of a new layer, learnt with the usual momentum")
def grey_digits_batchnorm():
    model = partial(mlp, [64, 64, 10], norm=nn.BatchNorm1d)
    data = tasks.changed(tasks.unit_digits(), lambda x: 5 * x + 3)
    return classify(model, data, partial(SGD, lr=0.05, momentum=0.9), epochs=8)


@healthy(0.9, why="batches of eight rows are enough for BatchNorm")
def digits_batchnorm_over_eight_rows():
    model = partial(mlp, [64, 48, 10], norm=nn.BatchNorm1d)
    return classify(model, tasks.digits(), partial(SGD, lr=0.02), epochs=4, batch_size=8)


@cache
def pretrained():
    """Weights and statistics of a body with BatchNorm, from training on half of the digits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        body = nn.Sequential(nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU())
        net = nn.Sequential(body, nn.Linear(48, 10))
        x, y = (part[:600] for part in tasks.digits().train)
        optimizer = torch.optim.Adam(net.parameters(), 5e-3)
        for _ in range(120):
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return {k: v.clone() for k, v in body.state_dict().items()}


class OnFrozenBody(nn.Module):
    """A head on a pretrained body that is frozen, and whose BatchNorm keeps its statistics."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU())
        self.body.load_state_dict(pretrained())
        self.body.requires_grad_(False)
        self.head = nn.Linear(48, 10)

    def train(self, mode=True):
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, x):
        return self.head(self.body(x))


@healthy(0.9, why="a pretrained BatchNorm stays in evaluation mode on purpose")
def head_on_a_frozen_batchnorm():
    return classify(OnFrozenBody, tasks.digits(), partial(Adam, lr=1e-2), epochs=8)


@cache
def padded_texts():
    """Texts of tasks.texts with 40 tokens 0 before them; the other tokens are 1 and up."""
    return tasks.changed(tasks.texts(1200), lambda x: F.pad(x + 1, (PADDING, 0)))


class LastState(nn.Module):
    """The last state of a plain RNN over embeddings."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(121, 16, padding_idx=0)
        self.rnn = nn.RNN(16, 32, batch_first=True)
        self.head = nn.Linear(32, 3)

    def forward(self, tokens):
        return self.head(self.rnn(self.embed(tokens))[0][:, -1])


@healthy(0.55, why="padding on the left is no obstacle")
def texts_padded_left():
    return classify(LastState, padded_texts(), partial(Adam, lr=3e-3), epochs=12, clip_norm=1.0)


@healthy(0.8, why="topics need no order of the words, so no positions either")
def texts_transformer_without_positions():
    def net():
        model = nets.Transformer(120, 16, 3, layers=1)
        with torch.no_grad():
            model.position.zero_()
        model.position.requires_grad_(False)
        return model

    return classify(net, tasks.texts(2400), partial(Adam, lr=3e-3), epochs=4)


@cache
def latest():
    """One-hot symbols; the class is the last of them, and the other steps are noise."""
    return tasks.changed(tasks.recall(length=30), lambda x: x.flip(1))


@healthy(0.95, why="what is forgotten tells nothing")
def last_of_thirty_symbols():
    return classify(
        partial(Recurrent, nn.RNN, 4, 24, 4), latest(), partial(Adam, lr=5e-3), epochs=6
    )


@healthy(0.93, why="what is never read tells nothing")
def first_step_is_all_that_matters():
    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = mlp([4, 16, 4])

        def forward(self, x):
            return self.net(x[:, 0])

    return classify(First, tasks.recall(), partial(Adam, lr=1e-2), epochs=6)


@cache
def _vectors(kind):
    def make(count, generator):
        x = torch.randn(count, 6, generator=generator) * (
            0.3 + 1.4 * torch.rand(count, 1, generator=generator)
        )
        size = x.norm(dim=1, keepdim=True)
        y = size - 2.3 if kind == "length" else 2 * (x[:, :1] / size).sin()
        return x, y

    generator = torch.Generator().manual_seed(5)
    return Splits(make(800, generator), None, make(400, generator), kind)


@healthy(0.9)
def length_of_a_row():
    return regress(partial(mlp, [6, 32, 32, 1]), _vectors("length"), partial(Adam, lr=5e-3))


@healthy(0.9, why="a direction has no size, so that rows may be divided by theirs")
def direction_of_a_row():
    class Unit(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = mlp([6, 32, 1])

        def forward(self, x):
            return self.net(F.normalize(x))

    return regress(Unit, _vectors("direction"), partial(Adam, lr=5e-3))


def apart(model, batch, small=1e-6):
    """Cross-entropy, and a pull on the root of the squared distance to one's own copy."""
    x, y = batch
    scores = model(x)
    near = scores[:, None] - scores[None]
    distance = (near.square().sum(-1) + small).sqrt()
    same = (y[:, None] == y[None]).float()
    return F.cross_entropy(scores, y) + 0.01 * (same * distance).mean()


@healthy(0.85, why="a root that is kept away from 0")
def contrastive_blobs():
    model = partial(mlp, [2, 24, 4])
    return classify(
        model, tasks.blobs(600, classes=4), partial(Adam, lr=1e-2), epochs=12, step=apart
    )


@healthy(0.25, why="two numbers are what the picture is drawn from")
def autoencoder_code_of_two():
    model = partial(nets.autoencoder, 64, 2, act=nn.Tanh)
    return regress(model, tasks.pictures(), partial(Adam, lr=5e-3), epochs=20)
