"""Healthy trainings on tables: regressions and real data."""

from functools import partial

from torch import nn

from corpus import nets, tasks
from corpus.nets import he, mlp
from corpus.recipes import (
    BCE,
    SGD,
    Adam,
    AdamW,
    RMSprop,
    classify,
    cosine,
    regress,
)
from corpus.register import healthy
from torchclinic.core import Penalty, Schedule


@healthy(0.9)
def sine_tanh():
    return regress(partial(mlp, [1, 48, 48, 1], nn.Tanh), tasks.sine(), partial(Adam, lr=1e-2))


@healthy(0.9)
def sine_relu_momentum():
    model = partial(mlp, [1, 64, 64, 1], init=he)
    optimizer = partial(SGD, lr=0.005, momentum=0.9)
    return regress(model, tasks.sine(frequency=1.0), optimizer, batch_size=16)


@healthy(0.9)
def sine_huber_gelu():
    model = partial(mlp, [1, 64, 64, 1], nn.GELU)
    return regress(model, tasks.sine(noise=0.2), partial(AdamW, lr=5e-3), loss=nn.SmoothL1Loss())


@healthy(0.9, why="targets within (-1, 1): a tanh head fits them")
def sine_tanh_head():
    data = tasks.changed(tasks.sine(), targets=lambda y: 0.7 * y)
    return regress(partial(mlp, [1, 48, 48, 1], nn.ELU, head=nn.Tanh), data, partial(Adam, lr=1e-2))


@healthy(0.88)
def friedman_relu():
    model = partial(mlp, [10, 64, 64, 1])
    return regress(model, tasks.friedman(), partial(Adam, lr=2e-3), epochs=20)


@healthy(0.85, why="features in [0, 1] and targets of mean 1.8: not standardised, and fine")
def friedman_raw_scale():
    model = partial(mlp, [10, 64, 32, 1], nn.SiLU)
    data = tasks.friedman(standard=False)
    return regress(model, data, partial(AdamW, lr=1e-2), epochs=60)


@healthy(0.85)
def friedman_batchnorm_cosine():
    return regress(
        partial(mlp, [10, 48, 48, 1], norm=nn.BatchNorm1d),
        tasks.friedman(),
        partial(SGD, lr=0.02, momentum=0.9),
        schedule=Schedule(cosine, "step", "cosine"),
        epochs=25,
    )


@healthy(0.85)
def friedman_residual_l1_loss():
    model = partial(nets.residual_mlp, 10, 32, 1, 3)
    data = tasks.with_validation(tasks.friedman(1200))
    return regress(model, data, partial(AdamW, lr=3e-3), loss=nn.L1Loss(), epochs=15)


@healthy(0.8, why="targets above 0: a ReLU head can reach them all")
def friedman_positive_head():
    data = tasks.friedman(standard=False)
    return regress(
        partial(mlp, [10, 64, 32, 1], head=nn.Softplus), data, partial(Adam, lr=5e-3), epochs=30
    )


@healthy(0.98, why="the data are linear: a linear model is the right one")
def linear_regression():
    return regress(partial(nn.Linear, 8, 1), tasks.plane_fit(), partial(SGD, lr=0.05), epochs=15)


@healthy(0.35, why="little can be explained in these data; the net is as good as a linear model")
def diabetes_small_net():
    return regress(
        partial(mlp, [10, 16, 1], nn.Tanh),
        tasks.with_validation(tasks.embedded("diabetes")),
        partial(AdamW, lr=2e-3, weight_decay=0.1),
        epochs=20,
    )


@healthy(0.94)
def breast_cancer_bce():
    data = tasks.changed(tasks.embedded("breast_cancer"), targets=tasks.column)
    return classify(partial(mlp, [30, 16, 1]), data, partial(Adam, lr=3e-3), loss=BCE(), epochs=15)


@healthy(0.93)
def breast_cancer_dropout_sgd():
    return classify(
        partial(mlp, [30, 32, 32, 2], nn.ELU, dropout=0.2),
        tasks.embedded("breast_cancer"),
        partial(SGD, lr=0.02, momentum=0.9, weight_decay=1e-3),
    )


@healthy(0.94)
def wine_small_batch():
    model = partial(mlp, [13, 24, 3], nn.Tanh)
    return classify(model, tasks.embedded("wine"), partial(Adam, lr=5e-3), epochs=15, batch_size=8)


@healthy(0.9, why="centimetres from 0.1 to 7.9: not standardised, and it trains well")
def iris_in_centimetres():
    data = tasks.embedded("iris", scale=False)
    return classify(
        partial(mlp, [4, 32, 3]), data, partial(Adam, lr=1e-2), epochs=40, batch_size=16
    )


@healthy(0.5, why="R^2 of a line with much noise; weight decay keeps it a line")
def noisy_line_decayed():
    model = partial(mlp, [1, 16, 1], nn.Tanh)
    optimizer = partial(AdamW, lr=5e-3, weight_decay=0.05)
    return regress(model, tasks.noisy_line(200), optimizer, epochs=60)


@healthy(0.85)
def friedman_rmsprop_l2():
    model = partial(mlp, [10, 40, 40, 1], nn.LeakyReLU)
    optimizer = partial(RMSprop, lr=1e-3)
    return regress(model, tasks.friedman(), optimizer, penalties=(Penalty("l2", 1e-4),), epochs=25)
