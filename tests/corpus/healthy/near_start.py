"""Healthy trainings that look like those whose first weights are too large, or that are short."""

from functools import partial

from torch import nn

from corpus import nets, tasks
from corpus.nets import Recurrent
from corpus.recipes import SGD, Adam, AdamW, classify, regress, with_model
from corpus.register import healthy
from torchclinic.core import Averaging


@healthy(0.93, why="20 blocks without a norm, whose last layers start small")
def digits_residual_small_branches():
    def net():
        body = nets.initialised(nets.residual_mlp(64, 32, 10, 20, norm=None), nets.he)
        for block in body[1:-1]:
            block.inner[-1].weight.data.mul_(0.1)
        return body

    return classify(net, tasks.digits(), partial(Adam, lr=1e-3), epochs=8)


@healthy(0.9, why="He weights behind a norm in each branch: the stream grows with their root")
def digits_residual_pre_norm_he():
    def net():
        return nets.initialised(nets.residual_mlp(64, 32, 10, 12), nets.he)

    return classify(net, tasks.digits(), partial(AdamW, lr=1e-3), epochs=8)


@healthy(0.75, why="a ReLU state whose recurrent weights start as the identity")
def forecast_relu_rnn_identity():
    def change(model):
        nn.init.eye_(model.body.weight_hh_l0)

    found = regress(
        partial(Recurrent, partial(nn.RNN, nonlinearity="relu"), 1, 24, 1),
        tasks.forecast(),
        partial(Adam, lr=2e-3),
        epochs=16,
        clip_norm=1.0,
    )
    return with_model(found, change)


@healthy(0.75, why="vectors of size 10 behind a norm, which takes their size away")
def texts_transformer_wide_vectors():
    def change(model):
        nn.init.normal_(model.embed.weight, std=10.0)

    model = partial(nets.Transformer, 120, 16, 3, layers=1)
    found = classify(model, tasks.texts(2400), partial(AdamW, lr=1e-2), epochs=6)
    return with_model(found, change)


@healthy(0.8, why="a GRU behind vectors of the usual size")
def texts_gru():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(120, 16)
            self.body = Recurrent(nn.GRU, 16, 24, 3)

        def forward(self, tokens):
            return self.body(self.embed(tokens))

    return classify(Net, tasks.texts(1200), partial(Adam, lr=5e-3), epochs=6)


@healthy(0.88, why="40 updates are enough for blobs")
def blobs_in_forty_updates():
    model = partial(nets.mlp, [2, 24, 4])
    data = tasks.blobs(600, classes=4)
    return classify(model, data, partial(SGD, lr=0.3), epochs=5, batch_size=64)


@healthy(0.91, why="an average of which the first weights are a hundredth")
def digits_with_a_moving_average():
    model = partial(nets.mlp, [64, 48, 10])
    return classify(
        model,
        tasks.digits(),
        partial(Adam, lr=3e-3),
        epochs=8,
        averaging=Averaging("ema", decay=0.98),
    )
