"""Models of the corpus, written as their users would write them."""

import math
from collections import OrderedDict
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F


def mlp(sizes, act=nn.ReLU, *, norm=None, dropout=0.0, init=None, head=None, bias=True):
    """Linear layers with an activation between them; norms and dropout if asked for."""
    layers = []
    for fan_in, fan_out in pairwise(sizes[:-1]):
        layers.append(nn.Linear(fan_in, fan_out, bias=bias))
        if norm:
            layers.append(norm(fan_out))
        if act:
            layers.append(act())
        if dropout:
            layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(sizes[-2], sizes[-1]))
    if head:
        layers.append(head())
    return initialised(nn.Sequential(*layers), init)


def initialised(model, init):
    """Apply `init(weight)` to every matrix and kernel, and zero the biases."""
    if init is not None:
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                init(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    return model


def he(weight):
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def lecun(weight):
    nn.init.normal_(weight, std=weight[0].numel() ** -0.5)


def lecture_net(depth, activation=nn.Sigmoid, features=64, width=100, init=None):
    """The lecture's net: `depth` hidden layers that share one activation module."""
    shared = activation()
    layers = [nn.Linear(features, width), shared]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), shared]
    layers.append(nn.Linear(width, 10))
    return initialised(nn.Sequential(nn.Flatten(), *layers), init)


class LectureMatrices(nn.Module):
    """The lecture's net of bare parameters drawn from N(0, std^2), with tanh."""

    def __init__(self, features=64, hidden=128, classes=10, std=1.0):
        super().__init__()
        self.w1 = nn.Parameter(std * torch.randn(features, hidden))
        self.b1 = nn.Parameter(std * torch.randn(hidden))
        self.w2 = nn.Parameter(std * torch.randn(hidden, classes))
        self.b2 = nn.Parameter(std * torch.randn(classes))

    def forward(self, x):
        h = x.flatten(1) @ self.w1 + self.b1
        return torch.tanh(h) @ self.w2 + self.b2


class FunctionalNet(nn.Module):
    """Three layers with functional activations."""

    def __init__(self, features, hidden, outputs, act=F.relu):
        super().__init__()
        self.fc1 = nn.Linear(features, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, outputs)
        self.act = act

    def forward(self, x):
        return self.out(self.act(self.fc2(self.act(self.fc1(x)))))


def cnn(channels=(12, 24), act=nn.ReLU, *, norm=False, dropout=0.0, classes=10, init=None):
    """Convolutions of 3x3 with pooling, for pictures of 1x8x8."""
    layers, fan_in = [], 1
    for fan_out in channels:
        layers.append(nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=not norm))
        if norm:
            layers.append(nn.BatchNorm2d(fan_out))
        if act:
            layers.append(act())
        fan_in = fan_out
    layers += [nn.AdaptiveMaxPool2d(2), nn.Flatten()]
    if dropout:
        layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(4 * fan_in, classes))
    return initialised(nn.Sequential(*layers), init)


class LeNet(nn.Module):
    """The usual tutorial net, with names and functional pooling."""

    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.fc1 = nn.Linear(64, 48)
        self.fc2 = nn.Linear(48, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Residual(nn.Module):
    """x + f(x)."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


def residual_mlp(features, width, outputs, blocks, *, act=nn.ReLU, norm=nn.LayerNorm):
    """Pre-norm residual blocks of two layers."""

    def block():
        start = [norm(width)] if norm else []
        return Residual(
            nn.Sequential(*start, nn.Linear(width, width), act(), nn.Linear(width, width))
        )

    body = [block() for _ in range(blocks)]
    end = [norm(width)] if norm else []
    return nn.Sequential(nn.Linear(features, width), *body, *end, nn.Linear(width, outputs))


def residual_cnn(width=12, blocks=3, classes=10):
    """Residual blocks of convolution and BatchNorm on pictures of 1x8x8."""

    def block():
        return nn.Sequential(
            Residual(
                nn.Sequential(
                    nn.Conv2d(width, width, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(width, width, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width),
                )
            ),
            nn.ReLU(inplace=True),
        )

    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        *[block() for _ in range(blocks)],
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * width, classes),
    )


class Recurrent(nn.Module):
    """An RNN, LSTM or GRU whose last state is read out."""

    def __init__(self, kind, features, hidden, outputs, *, layers=1, dropout=0.0, batch_first=True):
        super().__init__()
        self.body = kind(features, hidden, layers, batch_first=batch_first, dropout=dropout)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.head(self.body(x)[0][:, -1])


class TextBag(nn.Module):
    """Mean of embeddings, then a small net."""

    def __init__(self, vocabulary, width, classes, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.net = mlp([width, hidden, classes])

    def forward(self, tokens):
        return self.net(self.embed(tokens).mean(1))


class AttentionPool(nn.Module):
    """Embeddings weighted by a softmax over positions: a softmax that belongs there."""

    def __init__(self, vocabulary, width, classes):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.score = nn.Linear(width, 1)
        self.head = mlp([width, 32, classes])

    def forward(self, tokens):
        x = self.embed(tokens)
        weights = self.score(torch.tanh(x)).softmax(1)
        return self.head((weights * x).sum(1))


class Transformer(nn.Module):
    """A small encoder over tokens, with learnt positions and mean pooling."""

    def __init__(self, vocabulary, length, classes, *, width=32, layers=2, norm_first=True):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.position = nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=norm_first
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, tokens):
        x = self.encoder(self.embed(tokens) + self.position)
        return self.head(self.norm(x).mean(1))


class SelfAttention(nn.Module):
    """One block written by hand, with its softmax in the forward."""

    def __init__(self, features, width, classes, length):
        super().__init__()
        self.lift = nn.Linear(features, width)
        self.position = nn.Parameter(0.1 * torch.randn(length, width))
        self.qkv = nn.Linear(width, 3 * width)
        self.norm = nn.LayerNorm(width)
        self.head = mlp([width, width, classes], nn.GELU)

    def forward(self, x):
        x = self.lift(x) + self.position
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        weights = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), -1)
        return self.head((x + weights @ v).mean(1))


def autoencoder(features=64, bottleneck=12, *, act=nn.ReLU, head=nn.Sigmoid):
    """Down to a bottleneck and up again, named as in tutorials."""
    parts = OrderedDict(
        encoder=nn.Sequential(nn.Linear(features, 48), act(), nn.Linear(48, bottleneck)),
        act=act(),
        decoder=nn.Sequential(
            nn.Linear(bottleneck, 48), act(), nn.Linear(48, features), *([head()] if head else [])
        ),
    )
    return nn.Sequential(parts)


class Named(nn.Module):
    """A model that takes its inputs by name."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, pixels):
        return self.body(pixels)


class Squeezed(nn.Module):
    """A model whose single output column is dropped."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return self.body(x).squeeze(1)
