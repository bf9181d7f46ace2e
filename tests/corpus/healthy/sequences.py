"""Healthy trainings on sequences and texts."""

from functools import partial

from torch import nn

from corpus import nets, tasks
from corpus.nets import Recurrent
from corpus.recipes import SGD, Adam, AdamW, RMSprop, classify, regress, warmed_up
from corpus.register import healthy


@healthy(0.95)
def waves_lstm():
    model = partial(Recurrent, nn.LSTM, 1, 24, 3)
    return classify(model, tasks.waves(), partial(Adam, lr=1e-2), epochs=16, clip_norm=1.0)


@healthy(0.95)
def waves_gru_momentum():
    model = partial(Recurrent, nn.GRU, 1, 24, 3)
    optimizer = partial(SGD, lr=0.1, momentum=0.9)
    return classify(model, tasks.waves(), optimizer, epochs=20, clip_norm=1.0)


@healthy(0.95)
def waves_convolution():
    def net():
        return nn.Sequential(
            nn.Flatten(1), nn.Unflatten(1, (1, 24)), nn.Conv1d(1, 12, 5), nn.BatchNorm1d(12),
            nn.ReLU(), nn.Conv1d(12, 12, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(),
            nn.Linear(48, 3),
        )  # fmt: skip

    return classify(net, tasks.waves(), partial(AdamW, lr=5e-3), epochs=10)


@healthy(0.95)
def recall_gru():
    model = partial(Recurrent, nn.GRU, 4, 24, 4)
    return classify(model, tasks.recall(length=8), partial(Adam, lr=1e-2), epochs=15)


@healthy(0.9)
def recall_attention():
    model = partial(nets.SelfAttention, 4, 24, 4, 12)
    return classify(model, tasks.recall(), partial(Adam, lr=5e-3), epochs=15)


@healthy(0.93)
def forecast_lstm():
    model = partial(Recurrent, nn.LSTM, 1, 24, 1)
    return regress(model, tasks.forecast(), partial(Adam, lr=1e-2), epochs=12)


@healthy(0.93)
def forecast_gru_two_layers():
    model = partial(Recurrent, nn.GRU, 1, 16, 1, layers=2, dropout=0.1)
    data = tasks.with_validation(tasks.forecast(800))
    return regress(model, data, partial(RMSprop, lr=3e-3), epochs=12)


@healthy(0.93)
def forecast_tanh_rnn():
    model = partial(Recurrent, nn.RNN, 1, 24, 1)
    return regress(model, tasks.forecast(), partial(Adam, lr=3e-3), epochs=12, clip_norm=1.0)


@healthy(0.87)
def texts_bag():
    model = partial(nets.TextBag, 120, 16, 3)
    return classify(model, tasks.texts(1200), partial(Adam, lr=1e-2), epochs=6)


@healthy(0.85)
def texts_attention_pool():
    model = partial(nets.AttentionPool, 120, 16, 3)
    return classify(model, tasks.texts(1200), partial(AdamW, lr=5e-3, weight_decay=0.1), epochs=6)


@healthy(0.82)
def texts_transformer():
    model = partial(nets.Transformer, 120, 16, 3, layers=1)
    data = tasks.texts(2400)
    return classify(model, data, partial(AdamW, lr=3e-3), epochs=4, schedule=warmed_up(30))


@healthy(0.93)
def ordered_transformer():
    model = partial(nets.Transformer, 12, 10, 2, width=24)
    data = tasks.ordered(1200)
    optimizer = partial(AdamW, lr=3e-3)
    return classify(model, data, optimizer, epochs=12, schedule=warmed_up(50), clip_norm=1.0)


@healthy(0.93)
def ordered_transformer_post_norm():
    model = partial(nets.Transformer, 12, 10, 2, width=24, layers=1, norm_first=False)
    return classify(model, tasks.ordered(1200), partial(Adam, lr=3e-3), epochs=15)


@healthy(0.93)
def ordered_embedding_gru():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(12, 12)
            self.body = Recurrent(nn.GRU, 12, 24, 2)

        def forward(self, tokens):
            return self.body(self.embed(tokens))

    return classify(Net, tasks.ordered(), partial(Adam, lr=1e-2), epochs=12)
