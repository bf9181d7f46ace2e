"""Learning rates, momenta and schedules that do not fit."""

from functools import partial

import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR, StepLR

from corpus.healthy import images, plane, sequences, tables, usages
from corpus.recipes import SGD, Adam, RMSprop, factors, with_optimizer
from corpus.register import faulty

SMALL = ("LRN101", "LRN102")
LARGE = ("LRN101", "CRV102", "LRN102")


@faulty(*SMALL, base=images.digits_unit_range_sgd)
def digits_sgd_1e_6(recipe):
    return with_optimizer(recipe, lr=1e-6)


@faulty(*SMALL, base=images.digits_cnn_adam)
def cnn_adam_1e_7(recipe):
    return with_optimizer(recipe, lr=1e-7)


@faulty(*SMALL, base=sequences.ordered_transformer)
def transformer_adamw_1e_6(recipe):
    return with_optimizer(recipe, lr=1e-6)


@faulty(*SMALL, base=sequences.waves_lstm)
def lstm_adam_3e_5(recipe):
    return with_optimizer(recipe, lr=3e-5)


@faulty(*SMALL, base=tables.friedman_raw_scale)
def friedman_adamw_1e_5(recipe):
    return with_optimizer(recipe, lr=1e-5)


@faulty(*SMALL, base=plane.spirals_elu, why="a hundredth of what it needs")
def spirals_sgd_1e_4(recipe):
    return recipe.replace(optimizer=partial(SGD, lr=1e-4))


@faulty(*LARGE, base=images.digits_tanh_xavier_sgd)
def digits_sgd_50(recipe):
    return with_optimizer(recipe, lr=50.0)


@faulty(*LARGE, base=images.digits_relu_adam)
def digits_adam_1(recipe):
    return with_optimizer(recipe, lr=1.0)


@faulty(*LARGE, base=images.digits_cnn_unit_range_gelu)
def cnn_adam_tenth(recipe):
    return with_optimizer(recipe, lr=0.15)


@faulty(*LARGE, base=plane.moons_bce_squeezed)
def moons_momentum_20(recipe):
    return with_optimizer(recipe, lr=20.0)


@faulty(*LARGE, base=tables.linear_regression)
def linear_regression_sgd_2(recipe):
    return with_optimizer(recipe, lr=2.0)


@faulty(*LARGE, base=tables.friedman_batchnorm_cosine)
def friedman_batchnorm_sgd_5(recipe):
    return with_optimizer(recipe, lr=5.0)


@faulty(*LARGE, base=sequences.ordered_transformer_post_norm)
def transformer_post_norm_adam_5e_2(recipe):
    return with_optimizer(recipe, lr=5e-2)


@faulty(*LARGE, base=sequences.forecast_lstm)
def lstm_adam_1(recipe):
    return with_optimizer(recipe, lr=1.0)


@faulty(*LARGE, base=images.digits_functional_rmsprop)
def digits_rmsprop_half(recipe):
    return with_optimizer(recipe, lr=0.3)


@faulty(*LARGE, base=sequences.waves_gru_momentum)
def gru_momentum_10(recipe):
    return with_optimizer(recipe, lr=10.0).replace(clip_norm=None)


@faulty(*LARGE, base=tables.breast_cancer_dropout_sgd)
def breast_cancer_momentum_99(recipe):
    return with_optimizer(recipe, lr=0.5, momentum=0.99)


@faulty(*LARGE, base=images.digits_leaky_small_batch, why="momentum 0.99 multiplies it by 100")
def digits_small_batch_momentum_99(recipe):
    return with_optimizer(recipe, lr=0.1, momentum=0.99)


@faulty(*LARGE, base=plane.spirals_three_silu)
def spirals_adamw_half(recipe):
    return with_optimizer(recipe, lr=0.3)


@faulty(*LARGE, base=usages.digits_accumulated, why="the loss sums over the batch")
def digits_sum_over_batch(recipe):
    return recipe.replace(loss=nn.CrossEntropyLoss(reduction="sum"), batch_size=128, accumulate=1)


@faulty(*LARGE, base=tables.sine_relu_momentum, why="the loss sums over the batch")
def sine_sum_over_batch(recipe):
    return recipe.replace(loss=nn.MSELoss(reduction="sum"), batch_size=64)


@faulty("LRN102", "LRN101", "CRV101", base=tables.friedman_rmsprop_l2)
def schedule_kills_rate_each_epoch(recipe):
    return recipe.replace(schedule=partial(ExponentialLR, gamma=0.2))


@faulty("LRN102", "LRN101", "CRV101", base=plane.spirals_deep_relu)
def schedule_drops_rate_at_once(recipe):
    return recipe.replace(schedule=partial(StepLR, step_size=1, gamma=0.1))


@faulty("LRN102", "LRN101", "CRV101", base=sequences.recall_gru)
def schedule_for_another_length(recipe):
    return recipe.replace(schedule=factors(lambda step: max(0.0, 1 - step / 25), "linear"))


@faulty("LRN102", "LRN101", base=images.digits_batchnorm_sgd, why="gradients clipped to 1e-4")
def clipped_to_nothing(recipe):
    return recipe.replace(clip_norm=1e-4)


@faulty("LRN102", "LRN101", base=sequences.forecast_gru_two_layers)
def lstm_clipped_by_value(recipe):
    return recipe.replace(clip_value=1e-5, optimizer=partial(SGD, lr=0.05, momentum=0.9))


@faulty("LRN102", "LRN101", base=images.digits_dropout_half, why="eps=10 swallows the steps")
def adam_large_epsilon(recipe):
    return with_optimizer(recipe, eps=10.0)


@faulty("LRN102", "LRN101", base=plane.blobs_leaky_rmsprop)
def rmsprop_rate_too_small(recipe):
    return recipe.replace(optimizer=partial(RMSprop, lr=2e-6))


@faulty(
    "LRN101", "LRN102", base=images.digits_relu_adam, why="most layers have a rate of their own"
)
def one_group_with_huge_rate(recipe):
    def groups(model):
        *body, head = model
        body = nn.Sequential(*body)
        return Adam([{"params": body.parameters(), "lr": 1.0}, {"params": head.parameters()}], 1e-3)

    return recipe.replace(optimizer=groups)


@faulty("LRN101", "LRN102", base=images.digits_deep_selu_lecun)
def rate_somewhat_too_small(recipe):
    return with_optimizer(recipe, lr=2e-4)


@faulty("LRN101", "LRN102", "CRV102", base=images.digits_residual_cnn)
def sgd_without_momentum_too_small(recipe):
    return recipe.replace(optimizer=partial(torch.optim.SGD, lr=3e-5))
