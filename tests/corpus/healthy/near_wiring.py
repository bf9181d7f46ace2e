"""Healthy trainings that turn axes and carry states by hand, as they should."""

from functools import cache, partial

import torch
from torch import nn

from corpus import tasks
from corpus.recipes import Adam, classify
from corpus.register import healthy
from torchclinic.core import Splits


class Cells(nn.Module):
    """A recurrent net written as a loop over its steps; the last state is read."""

    def __init__(self, kind, features, hidden, outputs):
        super().__init__()
        self.cell = kind(features, hidden)
        self.head = nn.Linear(hidden, outputs)
        self.hidden = hidden

    def carried(self, state, step):
        return state

    def forward(self, x):
        state = torch.zeros(len(x), self.hidden)
        for step in range(x.shape[1]):
            state = self.cell(x[:, step], self.carried(state, step))
        return self.head(state)


@healthy(0.95)
def recall_cells():
    model = partial(Cells, nn.RNNCell, 4, 24, 4)
    return classify(
        model, tasks.recall(length=10), partial(Adam, lr=5e-3), epochs=20, clip_norm=1.0
    )


@healthy(0.9, why="backpropagation is truncated to eight steps, which is what these waves need")
def waves_truncated():
    class Net(Cells):
        def carried(self, state, step):
            return state.detach() if step == 16 else state

    return classify(
        partial(Net, nn.GRUCell, 1, 24, 3), tasks.waves(), partial(Adam, lr=1e-2), epochs=16
    )


class TokenCells(Cells):
    """The same over tokens, each of which is looked up at its step."""

    def __init__(self):
        super().__init__(nn.RNNCell, 8, 24, 4)
        self.embed = nn.Embedding(4, 8)

    def forward(self, tokens):
        state = torch.zeros(len(tokens), self.hidden)
        for step in range(tokens.shape[1]):
            state = self.cell(self.embed(tokens[:, step]), self.carried(state, step))
        return self.head(state)


@healthy(0.95)
def recall_token_cells():
    data = tasks.changed(tasks.recall(length=10), lambda x: x.argmax(2))
    return classify(TokenCells, data, partial(Adam, lr=5e-3), epochs=20, clip_norm=1.0)


class Tagger(nn.Module):
    """A score of every tag at every step, with the tags before the steps, as the loss wants."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 12)
        self.body = nn.GRU(12, 24, batch_first=True)
        self.head = nn.Linear(24, 5)

    def turned(self, scores):
        return scores.transpose(1, 2)

    def forward(self, tokens):
        return self.turned(self.head(self.body(self.embed(tokens))[0]))


@cache
def tags():
    """Tokens; the tag of a token depends on it and on the one before."""

    def make(count, generator):
        tokens = torch.randint(0, 20, (count, 9), generator=generator)
        return tokens, (tokens + tokens.roll(1, 1) // 10) % 5

    generator = torch.Generator().manual_seed(11)
    return Splits(make(500, generator), make(120, generator), make(200, generator), "tags")


@healthy(0.8)
def tags_by_gru():
    return classify(Tagger, tags(), partial(Adam, lr=1e-2), epochs=8)


class Heads(nn.Module):
    """Self-attention with heads written by hand; the last step is read."""

    heads = 3

    def __init__(self):
        super().__init__()
        self.lift = nn.Linear(4, 24)
        self.position = nn.Parameter(0.1 * torch.randn(10, 24))
        self.qkv = nn.Linear(24, 72)
        self.head = nn.Linear(24, 4)

    def split(self, x):
        return x.view(len(x), x.shape[1], self.heads, -1).transpose(1, 2)

    def forward(self, x):
        x = self.lift(x) + self.position[: x.shape[1]]
        q, k, v = (self.split(part) for part in self.qkv(x).chunk(3, -1))
        mixed = (q @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(-1) @ v
        return self.head(mixed.transpose(1, 2).reshape(x.shape)[:, -1])


@healthy(0.9)
def recall_heads():
    return classify(Heads, tasks.recall(length=10), partial(Adam, lr=1e-2), epochs=15)


class States(nn.Module):
    """The last states of two layers, side by side."""

    def __init__(self):
        super().__init__()
        self.body = nn.GRU(1, 16, 2, batch_first=True)
        self.head = nn.Linear(32, 3)

    def rows(self, states, count):
        return states.transpose(0, 1).reshape(count, -1)

    def forward(self, x):
        return self.head(self.rows(self.body(x)[1], len(x)))


@healthy(0.95)
def waves_two_layers():
    return classify(States, tasks.waves(), partial(Adam, lr=1e-2), epochs=16)


class TimeFirst(nn.Module):
    """A recurrent net that wants the steps before the rows."""

    def __init__(self):
        super().__init__()
        self.body = nn.GRU(4, 24)
        self.head = nn.Linear(24, 4)

    def turned(self, x):
        return x.transpose(0, 1)

    def forward(self, x):
        return self.head(self.body(self.turned(x))[0][-1])


@healthy(0.95)
def recall_time_first():
    return classify(TimeFirst, tasks.recall(length=8), partial(Adam, lr=1e-2), epochs=15)


class MaskedAttention(nn.Module):
    """A summary token that looks at the words of a text, and not at what fills it up."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(121, 24)
        self.summary = nn.Parameter(0.5 * torch.randn(1, 1, 24))
        self.attend = nn.MultiheadAttention(24, 4, batch_first=True)
        self.head = nn.Linear(24, 3)

    def left_out(self, tokens):
        return tokens == 0

    def forward(self, tokens):
        x = self.embed(tokens)
        summary = self.summary.expand(len(x), -1, -1)
        mask = nn.functional.pad(self.left_out(tokens), (1, 0), value=False)
        x = torch.cat([summary, x], 1)
        return self.head(self.attend(summary, x, x, key_padding_mask=mask)[0][:, 0])


@cache
def texts_of_many_lengths():
    """Texts of tasks.texts that are cut somewhere and filled up with tokens 0."""

    def fill(x):
        lengths = torch.randint(10, 17, (len(x), 1), generator=torch.Generator().manual_seed(3))
        return torch.where(torch.arange(x.shape[1]) < lengths, x + 1, 0)

    return tasks.changed(tasks.texts(1200), fill)


@healthy(0.7, why="padding is left out")
def texts_with_a_mask():
    return classify(MaskedAttention, texts_of_many_lengths(), partial(Adam, lr=1e-2), epochs=8)
