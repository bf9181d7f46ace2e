"""Healthy trainings on point clouds in the plane."""

from functools import partial

from torch import nn

from corpus import nets, tasks
from corpus.nets import he, mlp
from corpus.recipes import BCE, SGD, Adam, AdamW, RMSprop, classify
from corpus.register import healthy
from torchclinic.core import Penalty


def binary(splits):
    return tasks.changed(splits, targets=tasks.column)


@healthy(0.95)
def moons_bce():
    model = partial(mlp, [2, 32, 32, 1])
    return classify(model, binary(tasks.moons()), partial(Adam, lr=5e-3), loss=BCE())


@healthy(0.95)
def moons_bce_squeezed():
    def net():
        return nets.Squeezed(mlp([2, 24, 24, 1], nn.Tanh))

    data = tasks.changed(tasks.moons(600), targets=lambda y: y.float())
    return classify(net, data, partial(SGD, lr=0.2, momentum=0.9), loss=BCE(), epochs=30)


@healthy(0.94)
def moons_probabilities_bce():
    model = partial(mlp, [2, 32, 32, 1], nn.SiLU, head=nn.Sigmoid)
    data = binary(tasks.moons(noise=0.1))
    return classify(model, data, partial(Adam, lr=1e-2), loss=nn.BCELoss())


@healthy(0.95)
def circles_tanh():
    model = partial(mlp, [2, 32, 32, 2], nn.Tanh, init=nn.init.xavier_uniform_)
    return classify(model, tasks.circles(), partial(SGD, lr=0.1, momentum=0.9), epochs=15)


@healthy(0.94)
def circles_batchnorm_dropout():
    model = partial(mlp, [2, 48, 48, 2], norm=nn.BatchNorm1d, dropout=0.1)
    return classify(model, tasks.circles(noise=0.06), partial(Adam, lr=5e-3), epochs=15)


@healthy(0.93)
def spirals_elu():
    model = partial(mlp, [2, 64, 64, 2], nn.ELU)
    return classify(model, tasks.spirals(), partial(Adam, lr=1e-2), epochs=40, batch_size=64)


@healthy(0.9)
def spirals_three_silu():
    model = partial(mlp, [2, 64, 64, 3], nn.SiLU)
    optimizer = partial(AdamW, lr=1e-2, weight_decay=1e-3)
    return classify(model, tasks.spirals(classes=3), optimizer, epochs=40, batch_size=64)


@healthy(0.93)
def spirals_deep_relu():
    model = partial(mlp, [2, *[40] * 6, 2], init=he)
    return classify(model, tasks.spirals(), partial(Adam, lr=3e-3), epochs=25, batch_size=32)


@healthy(0.93)
def spirals_residual():
    model = partial(nets.residual_mlp, 2, 32, 2, 4, act=nn.GELU)
    return classify(model, tasks.spirals(), partial(AdamW, lr=5e-3), epochs=20, batch_size=32)


@healthy(0.9, why="a linear model on clouds that a line separates is the right model")
def blobs_softmax_regression():
    data = tasks.blobs(classes=3)
    return classify(partial(nn.Linear, 2, 3), data, partial(SGD, lr=0.1), epochs=8)


@healthy(0.95)
def blobs_leaky_rmsprop():
    model = partial(mlp, [8, 24, 5], nn.LeakyReLU)
    data = tasks.blobs(classes=5, features=8, spread=1.0)
    return classify(model, data, partial(RMSprop, lr=2e-3), epochs=6)


@healthy(0.95)
def blobs_l2_penalty():
    model = partial(mlp, [8, 24, 5])
    data = tasks.blobs(classes=5, features=8, spread=1.0)
    optimizer = partial(SGD, lr=0.05)
    return classify(model, data, optimizer, penalties=(Penalty("l2", 1e-4),), epochs=6)


@healthy(0.93)
def blobs_full_batch():
    model = partial(mlp, [4, 32, 4], nn.Tanh)
    data = tasks.blobs(400, classes=4, features=4)
    return classify(model, data, partial(Adam, lr=2e-2), epochs=100, batch_size=None)


@healthy(0.82, why="the classes overlap: no net does better")
def moons_overlapping():
    model = partial(mlp, [2, 32, 2], nn.Tanh)
    data = tasks.with_validation(tasks.moons(noise=0.45, rows=1500))
    return classify(model, data, partial(Adam, lr=5e-3), epochs=15)
