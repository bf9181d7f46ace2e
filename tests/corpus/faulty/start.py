"""First weights too large along a stream, through a state, in an embedding; too few steps."""

from torch import nn

from corpus import nets
from corpus.healthy import images, near_start, sequences, tables
from corpus.recipes import with_model
from corpus.register import faulty
from torchclinic.core import Averaging


def stretched(name, std):
    """A change that draws a parameter from a normal distribution of that deviation."""

    def change(model):
        nn.init.normal_(model.get_parameter(name), std=std)

    return change


@faulty("INI106", base=near_start.digits_residual_small_branches)
def residual_20_without_norm(recipe):
    def net():
        return nets.initialised(nets.residual_mlp(64, 32, 10, 20, norm=None), nets.he)

    return recipe.replace(model=net)


@faulty("INI106", "LOS105", base=tables.friedman_residual_l1_loss)
def residual_16_regression_without_norm(recipe):
    def net():
        return nets.initialised(nets.residual_mlp(10, 32, 1, 16, norm=None), nets.he)

    return recipe.replace(model=net)


@faulty("INI107", base=near_start.forecast_relu_rnn_identity)
def relu_rnn_normal_recurrence(recipe):
    return with_model(recipe, stretched("body.weight_hh_l0", 1.0))


@faulty("INI107", base=sequences.recall_gru)
def gru_recurrence_of_ten(recipe):
    return with_model(recipe, stretched("body.weight_hh_l0", 10.0))


@faulty("INI108", base=near_start.texts_gru)
def gru_behind_vectors_of_30(recipe):
    return with_model(recipe, stretched("embed.weight", 30.0))


@faulty("INI108", base=sequences.ordered_transformer_post_norm)
def attention_on_vectors_of_40(recipe):
    return with_model(recipe, stretched("embed.weight", 40.0))


@faulty("CRV104", base=images.digits_cnn_adam)
def steps_in_place_of_epochs(recipe):
    return recipe.replace(epochs=None, steps=12)


@faulty("CRV104", base=sequences.ordered_embedding_gru)
def gru_for_a_third_of_an_epoch(recipe):
    return recipe.replace(epochs=None, steps=10)


@faulty("REG102", base=near_start.digits_with_a_moving_average)
def average_of_the_start(recipe):
    return recipe.replace(averaging=Averaging("ema", decay=0.9999))
