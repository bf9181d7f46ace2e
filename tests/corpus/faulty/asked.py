"""Losses that pay for the wrong thing: a sign, a median, a variance below 0."""

from torch import nn

from corpus import tasks
from corpus.healthy import near_losses
from corpus.healthy.near_losses import angle, chance_of_class, contrastive, overlap
from corpus.recipes import varied
from corpus.register import faulty


@faulty("LOS109", base=near_losses.bursts_by_overlap, why="the overlap itself is minimised")
def overlap_minimised(recipe):
    return recipe.replace(loss=overlap)


@faulty("LOS109", base=near_losses.directions_by_cosine, why="the cosine itself is minimised")
def cosine_minimised(recipe):
    return recipe.replace(loss=angle)


@faulty("LOS109", base=near_losses.digits_by_probability, why="1 minus it is meant")
def probability_minimised(recipe):
    return recipe.replace(loss=chance_of_class)


@faulty("LOS109", base=near_losses.pairs_by_distance, why="1 means 'same', the loss takes 0 for it")
def pair_labels_reversed(recipe):
    return recipe.replace(loss=lambda output, same: contrastive(output, 1 - same))


@faulty("WIR111", "LOS108", base=near_losses.pairs_by_distance, why="only alike pairs have a term")
def alike_pairs_only(recipe):
    return recipe.replace(loss=lambda output, same: -(same * (output + 1e-6).log()).mean())


@faulty("LOS110", base=near_losses.rain_by_squared_error, why="the median of mostly 0 is 0")
def rain_by_absolute_error(recipe):
    return recipe.replace(loss=nn.L1Loss())


@faulty(
    "LOS110",
    base=varied(near_losses.rain_by_squared_error, data=tasks.rain(seed=3), batch_size=64),
    why="the same, in a step",
)
def rain_by_absolute_error_in_a_step(recipe):
    def step(model, batch):
        return nn.functional.l1_loss(model(batch[0]), batch[1])

    return recipe.replace(loss=None, step=step)


@faulty("LOS103", base=near_losses.friedman_with_variance, why="a variance of any sign")
def variance_without_softplus(recipe):
    return recipe.replace(model=lambda: near_losses.MeanAndVariance(lambda x: x))


@faulty("LOS103", base=near_losses.friedman_with_variance, why="a ReLU leaves variances of 0")
def variance_behind_relu(recipe):
    return recipe.replace(model=lambda: near_losses.MeanAndVariance(nn.ReLU()))
