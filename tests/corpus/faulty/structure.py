"""Layers and forward passes that lose what the answer depends on."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from corpus import tasks
from corpus.healthy import images, near_structure, sequences, tables
from corpus.nets import Recurrent, mlp
from corpus.recipes import SGD, factors, varied, with_model, with_optimizer
from corpus.register import faulty


def momentum(value):
    """A change that gives every BatchNorm another momentum."""

    def change(model):
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.momentum = value

    return change


@faulty("WIR109", base=near_structure.grey_digits_batchnorm, why="Keras's momentum is 1 minus it")
def batchnorm_with_momentum_zero(recipe):
    return with_model(recipe, momentum(0.0))


@faulty("WIR109", base=varied(images.digits_batchnorm_sgd, epochs=2))
def batchnorm_over_two_rows(recipe):
    return with_optimizer(recipe, lr=0.05).replace(batch_size=2)


@faulty("WIR109", "WIR111", base=tables.sine_tanh, why="the only feature minus itself")
def layernorm_over_the_only_feature(recipe):
    return with_model(recipe, lambda model: nn.Sequential(nn.LayerNorm(1), model))


@faulty("WIR110", base=sequences.waves_gru_momentum)
def first_output_of_a_gru(recipe):
    class First(Recurrent):
        def forward(self, x):
            return self.head(self.body(x)[0][:, 0])

    return recipe.replace(model=partial(First, nn.GRU, 1, 24, 3))


class Columns(nn.Module):
    """A net that is given some of the columns."""

    def __init__(self, net, columns):
        super().__init__()
        self.net = net
        self.columns = columns

    def forward(self, x):
        return self.net(x[:, self.columns])


@faulty("WIR110", base=tables.friedman_relu, why="the columns that matter are the first five")
def columns_from_the_wrong_end(recipe):
    return recipe.replace(model=lambda: Columns(mlp([5, 64, 64, 1]), list(range(5, 10))))


@faulty("WIR111", "GRD103", base=near_structure.texts_padded_left)
def texts_padded_right(recipe):
    def move(x):
        return x.roll(-near_structure.PADDING, 1)

    return recipe.replace(data=tasks.changed(near_structure.padded_texts(), move))


@faulty("WIR111", "WIR104", base=near_structure.texts_padded_left)
def texts_with_embeddings_of_zeros(recipe):
    def erase(model):
        with torch.no_grad():
            model.embed.weight.zero_()
        model.embed.weight.requires_grad_(False)

    return with_model(recipe, erase)


@faulty("WIR112", base=sequences.ordered_transformer)
def transformer_without_positions(recipe):
    def forget(model):
        with torch.no_grad():
            model.position.zero_()
        model.position.requires_grad_(False)

    return with_model(recipe, forget)


@faulty("WIR112", "CRV105", base=near_structure.length_of_a_row)
def rows_of_unit_length(recipe):
    class Unit(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = mlp([6, 32, 32, 1])

        def forward(self, x):
            return self.net(F.normalize(x))

    return recipe.replace(model=Unit)


@faulty("WIR113", "WIR104", base=images.digits_cnn_adam)
def one_filter_and_a_global_mean(recipe):
    def net():
        pool = nn.AdaptiveAvgPool2d(1)
        return nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU(), pool, nn.Flatten(), nn.Linear(1, 10))

    return recipe.replace(model=net)


@faulty("NUM101", base=near_structure.contrastive_blobs, why="the slope of a root at 0")
def root_of_a_distance_of_zero(recipe):
    return recipe.replace(step=partial(near_structure.apart, small=0.0))


@faulty("LRN101", base=images.digits_relu_adam)
def warm_up_longer_than_the_training(recipe):
    return recipe.replace(schedule=factors(lambda step: min(1.0, (step + 1) / 50_000), "warm-up"))


@faulty(
    "LRN101", "LRN102", base=varied(images.digits_unit_range_sgd, optimizer=partial(SGD, lr=0.2))
)
def scores_divided_by_a_temperature(recipe):
    class Cold(nn.Module):
        def forward(self, x):
            return x / 100

    return with_model(recipe, lambda model: nn.Sequential(model, Cold()))


@faulty("LRN101", base=sequences.forecast_lstm)
def lstm_rate_20_times_too_low(recipe):
    return with_optimizer(recipe, lr=3e-4).replace(epochs=4)


@faulty("LRN101", "CRV104", base=varied(images.digits_cnn_adam, epochs=5))
def cnn_rate_10_times_too_low(recipe):
    return with_optimizer(recipe, lr=2e-4)
