"""Axes that are mixed, gradients that end between two time steps, masks the wrong way round; layers
that every pass makes anew.
"""

from functools import partial

import torch
from torch import nn

from corpus.healthy import images, near_wiring, tables
from corpus.nets import mlp
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


@faulty("WIR110", base=near_wiring.texts_with_a_mask, why="True is where attention must not look")
def padding_mask_inverted(recipe):
    class Net(near_wiring.MaskedAttention):
        def left_out(self, tokens):
            return tokens != 0

    return recipe.replace(model=Net)


@faulty("LOS106", "WIR106", base=tables.friedman_relu, why="(rows, 1) + (rows,) is (rows, rows)")
def shortcut_spread_over_the_rows(recipe):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.deep = mlp([10, 64, 64, 1])
            self.wide = nn.Linear(10, 1)

        def forward(self, x):
            return self.deep(x) + self.wide(x).squeeze(1)

    return recipe.replace(model=Net)


@faulty("WIR107", "WIR108", base=images.digits_relu_adam, why="a new layer at each pass")
def layer_made_in_forward(recipe):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(64, 48)
            self.last = nn.Linear(24, 10)

        def forward(self, x):
            h = torch.relu(self.first(x.flatten(1)))
            return self.last(torch.relu(nn.Linear(48, 24)(h)))

    return recipe.replace(model=Net)


@faulty("WIR108", base=images.digits_relu_adam, why="first weights are drawn in forward()")
def weights_drawn_in_forward(recipe):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(64, 48)
            self.last = nn.Linear(48, 10)

        def forward(self, x):
            nn.init.xavier_normal_(self.first.weight)
            return self.last(torch.tanh(self.first(x.flatten(1))))

    return recipe.replace(model=Net)
