"""Gradients that vanish or explode, and weights that start wrong."""

from functools import partial

import torch
from torch import nn

from corpus import nets, tasks
from corpus.healthy import images, plane, sequences, tables
from corpus.nets import Recurrent, cnn, mlp
from corpus.recipes import SGD, Adam, AdamW, classify, regress, with_model, with_optimizer
from corpus.register import faulty


def filled(init):
    """A change that initialises all weights of a model and zeroes its biases."""

    def change(model):
        for parameter in model.parameters():
            if parameter.dim() > 1:
                init(parameter)
            else:
                nn.init.zeros_(parameter)

    return change


@faulty("GRD101", "INI103", "INI102", base=plane.circles_tanh)
def tanh_20_tiny_weights(recipe):
    def tiny(weight):
        nn.init.normal_(weight, std=0.01)

    return recipe.replace(model=partial(mlp, [2, *[32] * 20, 2], nn.Tanh, init=tiny))


@faulty("GRD101", "INI103", "INI102", base=images.digits_cnn_adam)
def cnn_of_seven_sigmoids(recipe):
    model = partial(cnn, [12] * 7, nn.Sigmoid)
    return recipe.replace(model=model, optimizer=partial(SGD, lr=0.05, momentum=0.9))


@faulty("GRD101", "INI103", "INI102", base=plane.spirals_deep_relu)
def relu_24_default_init(recipe):
    return recipe.replace(model=partial(mlp, [2, *[40] * 24, 2]))


@faulty("GRD101", "INI103", "INI102", base=tables.sine_tanh)
def sine_sigmoid_8(recipe):
    model = partial(mlp, [1, *[32] * 8, 1], nn.Sigmoid)
    return recipe.replace(model=model, optimizer=partial(SGD, lr=0.05, momentum=0.9))


@faulty("GRD101", "INI103", "INI102", base=tables.friedman_relu)
def friedman_hard_sigmoid_10(recipe):
    model = partial(mlp, [10, *[40] * 10, 1], nn.Hardsigmoid)
    return recipe.replace(model=model)


@faulty("GRD101", "INI103", "INI102", base=images.digits_deep_relu_he)
def digits_softsign_tiny_12(recipe):
    def tiny(weight):
        nn.init.uniform_(weight, -0.02, 0.02)

    model = partial(mlp, [64, *[48] * 12, 10], nn.Softsign, init=tiny)
    return recipe.replace(model=model)


@faulty("GRD103", "GRD101", "CRV101", base=partial(sequences.recall_gru))
def recall_rnn_over_60_steps(recipe):
    model = partial(Recurrent, nn.RNN, 4, 24, 4)
    return recipe.replace(model=model, data=tasks.recall(length=60))


@faulty("INI102", "GRD102", "LOS105", base=images.digits_deep_relu_he)
def relu_8_normal_1(recipe):
    return with_model(recipe, filled(nn.init.normal_))


@faulty("INI102", "INI104", "INI103", base=images.digits_tanh_xavier_sgd)
def tanh_5_uniform_1(recipe):
    def wide(weight):
        nn.init.uniform_(weight, -1, 1)

    return recipe.replace(model=partial(mlp, [64, *[80] * 5, 10], nn.Tanh, init=wide))


@faulty("INI104", "INI102", "INI103", base=images.digits_two_sigmoids_adam)
def sigmoid_large_weights(recipe):
    model = partial(mlp, [64, 64, 64, 10], nn.Sigmoid)
    return with_optimizer(
        with_model(recipe.replace(model=model), filled(partial(nn.init.normal_, std=4.0))), lr=1e-3
    )


@faulty("INI106", "INI102", "LOS105", base=plane.spirals_residual)
def residual_40_without_norm(recipe):
    def net():
        body = nets.residual_mlp(2, 32, 2, 40, norm=None, act=nn.ReLU)
        return nets.initialised(body, nets.he)

    return recipe.replace(model=net)


@faulty("INI102", "GRD102", "LOS105", base=images.digits_cnn_adam)
def cnn_large_kernels(recipe):
    return with_model(
        recipe.replace(model=partial(cnn, [12, 24, 24])), filled(partial(nn.init.normal_, std=1.0))
    )


@faulty("GRD102", "LRN101", "CRV102", base=sequences.forecast_tanh_rnn)
def rnn_large_weights_large_rate(recipe):
    def stretch(model):
        with torch.no_grad():
            model.body.weight_hh_l0.mul_(8)

    changed = with_model(recipe, stretch).replace(clip_norm=None)
    return changed.replace(optimizer=partial(SGD, lr=0.3, momentum=0.9))


@faulty("GRD102", "INI102", "CRV102", base=tables.friedman_relu)
def friedman_selu_deep_normal(recipe):
    model = partial(mlp, [10, *[40] * 10, 1], nn.SELU, init=partial(nn.init.normal_, std=0.5))
    return recipe.replace(model=model, optimizer=partial(SGD, lr=1e-2))


@faulty("INI101", base=images.digits_relu_adam)
def digits_zero_weights(recipe):
    return with_model(recipe, filled(nn.init.zeros_))


@faulty("INI101", base=tables.friedman_relu)
def friedman_constant_weights(recipe):
    return with_model(recipe, filled(lambda w: nn.init.constant_(w, 0.05)))


@faulty("INI101", base=images.digits_cnn_adam)
def cnn_constant_kernels(recipe):
    def same(model):
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.constant_(module.weight, 0.02)
                nn.init.zeros_(module.bias)

    return with_model(recipe, same)


@faulty("INI101", base=plane.circles_tanh, why="all units of a layer are copies of one")
def circles_equal_rows(recipe):
    def copy_first_row(weight):
        with torch.no_grad():
            weight.copy_(weight[:1].clone().expand_as(weight))

    return with_model(recipe, filled(copy_first_row))


def biased(value, kinds=nn.Linear):
    """Set the biases of all but the last layer."""

    def change(model):
        layers = [m for m in model.modules() if isinstance(m, kinds)]
        for layer in layers[:-1]:
            nn.init.constant_(layer.bias, value)

    return change


@faulty("INI105", "ACT101", base=images.digits_relu_adam)
def digits_dead_by_bias(recipe):
    return with_model(recipe, biased(-8.0))


@faulty("INI105", "ACT101", base=images.digits_lenet_large_batch)
def cnn_dead_by_bias(recipe):
    return with_model(recipe, biased(-15.0, (nn.Conv2d, nn.Linear)))


@faulty("INI105", "ACT101", base=tables.sine_relu_momentum)
def sine_mostly_dead(recipe):
    return with_model(recipe, biased(-6.0))


@faulty("INI104", base=images.digits_tanh_xavier_sgd)
def digits_saturated_by_bias(recipe):
    return with_model(recipe, biased(15.0))


@faulty("LOS105", "INI102", base=images.digits_relu_adam, why="the last layer starts at N(0, 30^2)")
def digits_large_last_layer(recipe):
    def change(model):
        nn.init.normal_(model[-1].weight, std=30.0)

    return with_optimizer(with_model(recipe, change), lr=3e-4)


@faulty("LOS105", base=sequences.texts_bag, why="the last layer starts sure of one class")
def texts_large_last_bias(recipe):
    def change(model):
        with torch.no_grad():
            model.net[-1].bias.copy_(torch.tensor([40.0, -40.0, 0.0]))

    return with_optimizer(with_model(recipe, change), lr=2e-3)


@faulty("GRD101", "INI102", "INI103", base=sequences.waves_convolution)
def waves_deep_sigmoid_convolution(recipe):
    def net():
        layers = [nn.Flatten(1), nn.Unflatten(1, (1, 24)), nn.Conv1d(1, 12, 3, padding=1)]
        for _ in range(9):
            layers += [nn.Sigmoid(), nn.Conv1d(12, 12, 3, padding=1)]
        return nn.Sequential(
            *layers, nn.Sigmoid(), nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(48, 3)
        )

    return recipe.replace(model=net, optimizer=partial(AdamW, lr=1e-3))


def wide_good():
    return regress(partial(mlp, [8, 64, 1]), tasks.plane_fit(), partial(Adam, lr=1e-2), epochs=30)


@faulty("GRD101", "INI103", "INI102", base=wide_good)
def plane_logsigmoid_stack(recipe):
    model = partial(mlp, [8, *[24] * 12, 1], nn.Sigmoid, init=nn.init.xavier_uniform_)
    return recipe.replace(model=model, optimizer=partial(SGD, lr=0.02))


def classes_good():
    model = partial(mlp, [8, 48, 48, 48, 5], nn.ELU)
    data = tasks.blobs(classes=5, features=8, spread=1.5)
    return classify(model, data, partial(SGD, lr=0.05), epochs=6)


@faulty("INI102", "GRD102", "LOS105", base=classes_good)
def blobs_growing_weights(recipe):
    return with_model(recipe, filled(partial(nn.init.normal_, std=1.2)))
