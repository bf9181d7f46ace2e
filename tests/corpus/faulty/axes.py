"""Views that mix axes, and gradients that end between two time steps."""

from functools import partial

import torch
from torch import nn

from corpus.healthy import near_wiring
from corpus.register import faulty


@faulty("WIR115", base=near_wiring.recall_cells, why="the state is detached at each step")
def state_detached_at_each_step(recipe):
    class Net(near_wiring.Cells):
        def carried(self, state, step):
            return state.detach()

    return recipe.replace(model=partial(Net, nn.RNNCell, 4, 24, 4))


@faulty("WIR115", base=near_wiring.recall_token_cells, why="the state is read as numbers")
def state_through_numpy(recipe):
    class Net(near_wiring.TokenCells):
        def carried(self, state, step):
            return torch.from_numpy(state.detach().numpy())

    return recipe.replace(model=Net)


@faulty(
    "WIR114", base=near_wiring.tags_by_gru, why="(rows, steps, tags) is not (rows, tags, steps)"
)
def tags_viewed_not_transposed(recipe):
    class Net(near_wiring.Tagger):
        def turned(self, scores):
            return scores.view(scores.shape[0], scores.shape[2], scores.shape[1])

    return recipe.replace(model=Net)


@faulty("WIR114", "WIR106", base=near_wiring.waves_two_layers, why="(layers, rows, units) as rows")
def states_viewed_as_rows(recipe):
    class Net(near_wiring.States):
        def rows(self, states, count):
            return states.view(count, -1)

    return recipe.replace(model=Net)


@faulty(
    "WIR114", "WIR106", base=near_wiring.recall_time_first, why="(rows, steps) as (steps, rows)"
)
def time_first_by_view(recipe):
    class Net(near_wiring.TimeFirst):
        def turned(self, x):
            return x.reshape(x.shape[1], x.shape[0], x.shape[2])

    return recipe.replace(model=Net)
