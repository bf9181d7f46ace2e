"""Healthy trainings on pictures of digits."""

from functools import partial

import torch
from torch import nn

from corpus import nets, tasks
from corpus.nets import cnn, he, lecun, mlp
from corpus.recipes import SGD, Adam, AdamW, RMSprop, classify, cosine, one_cycle
from corpus.register import healthy
from torchclinic.core import EarlyStopping, Schedule


@healthy(0.93)
def digits_relu_adam():
    return classify(partial(mlp, [64, 64, 64, 10]), tasks.digits(), partial(Adam, lr=1e-3))


@healthy(0.93, why="pixels in [0, 1] are common and fine")
def digits_unit_range_sgd():
    optimizer = partial(SGD, lr=0.05, momentum=0.9)
    return classify(partial(mlp, [64, 100, 10]), tasks.unit_digits(), optimizer, epochs=12)


@healthy(0.94)
def digits_tanh_xavier_sgd():
    model = partial(mlp, [64, 80, 40, 10], nn.Tanh, init=nn.init.xavier_uniform_)
    return classify(model, tasks.digits(), partial(SGD, lr=0.1), epochs=12)


@healthy(0.94, why="a shallow sigmoid net with a fitting optimizer is fine")
def digits_one_sigmoid_adam():
    model = partial(mlp, [64, 64, 10], nn.Sigmoid)
    return classify(model, tasks.digits(), partial(Adam, lr=5e-3), epochs=10)


@healthy(0.93)
def digits_two_sigmoids_adam():
    model = partial(mlp, [64, 64, 64, 10], nn.Sigmoid, init=nn.init.xavier_normal_)
    return classify(model, tasks.digits(), partial(Adam, lr=5e-3), epochs=12)


@healthy(0.92)
def digits_deep_relu_he():
    model = partial(mlp, [64, *[48] * 8, 10], init=he)
    return classify(model, tasks.digits(), partial(Adam, lr=1e-3), epochs=12, batch_size=64)


@healthy(0.92)
def digits_deep_selu_lecun():
    model = partial(mlp, [64, *[48] * 9, 10], nn.SELU, init=lecun)
    return classify(model, tasks.digits(), partial(SGD, lr=0.02, momentum=0.9), epochs=12)


@healthy(0.95)
def digits_batchnorm_sgd():
    model = partial(mlp, [64, 64, 64, 10], norm=nn.BatchNorm1d, bias=False)
    return classify(model, tasks.digits(), partial(SGD, lr=0.1), epochs=10, batch_size=64)


@healthy(0.95)
def digits_layernorm_gelu_adamw():
    model = partial(mlp, [64, 96, 96, 10], nn.GELU, norm=nn.LayerNorm)
    return classify(model, tasks.unit_digits(), partial(AdamW, lr=2e-3, weight_decay=0.05))


@healthy(0.94)
def digits_dropout_half():
    model = partial(mlp, [64, 128, 128, 10], dropout=0.5)
    return classify(model, tasks.digits(), partial(Adam, lr=2e-3), epochs=15)


@healthy(0.94)
def digits_cnn_adam():
    data = tasks.digits(image=True)
    return classify(cnn, data, partial(Adam, lr=2e-3), epochs=8, batch_size=64)


@healthy(0.96)
def digits_cnn_batchnorm_cosine():
    return classify(
        partial(cnn, (12, 24), norm=True),
        tasks.digits(image=True),
        partial(SGD, lr=0.05, momentum=0.9, weight_decay=5e-4),
        epochs=8,
        batch_size=64,
        schedule=Schedule(cosine, "step", "cosine"),
    )


@healthy(0.95)
def digits_residual_cnn():
    data = tasks.with_validation(tasks.digits(image=True))
    model = partial(nets.residual_cnn, 8, 2)
    return classify(model, data, partial(AdamW, lr=3e-3), epochs=6, batch_size=64)


@healthy(0.94)
def digits_cnn_unit_range_gelu():
    model = partial(cnn, (16, 16, 16), nn.GELU)
    data = tasks.unit_digits(image=True)
    return classify(model, data, partial(Adam, lr=3e-3), epochs=10, batch_size=64)


@healthy(0.93)
def digits_lenet_large_batch():
    data = tasks.digits(image=True)
    return classify(nets.LeNet, data, partial(Adam, lr=5e-3), epochs=25, batch_size=360)


@healthy(0.95)
def digits_residual_mlp_deep():
    model = partial(nets.residual_mlp, 64, 48, 10, 8)
    return classify(model, tasks.digits(), partial(AdamW, lr=1e-3), epochs=8, batch_size=64)


@healthy(0.92)
def digits_functional_rmsprop():
    model = partial(nets.FunctionalNet, 64, 64, 10)
    return classify(model, tasks.digits(), partial(RMSprop, lr=1e-3), epochs=8)


@healthy(0.91)
def digits_leaky_small_batch():
    model = partial(mlp, [64, 32, 10], partial(nn.LeakyReLU, 0.1))
    return classify(model, tasks.digits(), partial(SGD, lr=0.02), epochs=4, batch_size=4)


@healthy(0.94, why="log-softmax before cross-entropy changes nothing: it is idempotent")
def digits_log_softmax_cross_entropy():
    model = partial(mlp, [64, 64, 10], head=partial(nn.LogSoftmax, 1))
    return classify(model, tasks.digits(), partial(Adam, lr=2e-3))


@healthy(0.94)
def digits_log_softmax_nll():
    model = partial(mlp, [64, 64, 10], nn.SiLU, head=partial(nn.LogSoftmax, 1))
    return classify(model, tasks.digits(), partial(Adam, lr=2e-3), loss=nn.NLLLoss())


@healthy(0.94)
def digits_label_smoothing_one_cycle():
    return classify(
        partial(mlp, [64, 96, 10], nn.ELU),
        tasks.with_validation(tasks.digits()),
        partial(SGD, lr=0.02, momentum=0.9),
        loss=nn.CrossEntropyLoss(label_smoothing=0.1),
        schedule=one_cycle(0.2),
    )


@healthy(0.90, why="slow but steady: fine, if not the best")
def digits_plain_sgd_slow():
    model = partial(mlp, [64, 64, 10])
    return classify(model, tasks.digits(), partial(SGD, lr=0.02), epochs=12)


@healthy(0.88, why="few rows, so some overfitting; a practitioner lives with it")
def digits_few_rows():
    data = tasks.rows(tasks.digits(), 400)
    return classify(
        partial(mlp, [64, 48, 10], dropout=0.3), data, partial(Adam, lr=2e-3), epochs=25
    )


@healthy(0.90)
def digits_logistic_regression():
    return classify(partial(nn.Linear, 64, 10), tasks.digits(), partial(Adam, lr=5e-3), epochs=10)


@healthy(0.95)
def digits_early_stopping():
    return classify(
        partial(mlp, [64, 128, 10]),
        tasks.with_validation(tasks.digits()),
        partial(Adam, lr=2e-3),
        epochs=20,
        early_stopping=EarlyStopping(patience=4),
        keep_best=True,
    )


@healthy(0.93)
def digits_grey_values_0_to_16_batchnorm_first():
    def net():
        return nn.Sequential(nn.BatchNorm1d(64), mlp([64, 64, 10]))

    return classify(net, tasks.digits(normalize=False), partial(Adam, lr=2e-3))


@healthy(0.90, why="one label in twelve is wrong: the loss cannot reach 0, the net is fine")
def digits_some_wrong_labels():
    def spoil(y):
        wrong = torch.arange(len(y)) % 12 == 5
        return torch.where(wrong, (y + 3) % 10, y)

    data = tasks.changed(tasks.digits(), targets=spoil, parts=("train",))
    return classify(
        partial(mlp, [64, 48, 10], dropout=0.2),
        data,
        partial(AdamW, lr=1e-3, weight_decay=0.1),
        epochs=10,
    )


@healthy(0.6, why="score is R^2 of the pixels")
def autoencoder_sigmoid_head():
    return classify(
        nets.autoencoder,
        tasks.pictures(),
        partial(Adam, lr=3e-3),
        loss=nn.MSELoss(),
        metric="mse",
        epochs=20,
    )


@healthy(0.55, why="score is R^2 of the pixels")
def autoencoder_binary_cross_entropy():
    return classify(
        partial(nets.autoencoder, act=nn.ELU),
        tasks.pictures(),
        partial(AdamW, lr=3e-3),
        loss=nn.BCELoss(),
        metric=None,
        epochs=15,
    )
