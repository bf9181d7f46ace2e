"""Models and optimizers that are connected wrongly."""

from functools import partial
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from corpus import nets, tasks
from corpus.healthy import images, plane, sequences, tables
from corpus.nets import Recurrent, mlp
from corpus.recipes import SGD, Adam, AdamW, varied, with_model
from corpus.register import faulty


@faulty("WIR101", base=plane.circles_tanh)
def circles_without_activation(recipe):
    return recipe.replace(model=partial(mlp, [2, 32, 32, 2], None))


@faulty("WIR101", base=plane.spirals_elu)
def spirals_linear_stack_with_dropout(recipe):
    return recipe.replace(model=partial(mlp, [2, 64, 64, 2], None, dropout=0.1))


@faulty("WIR101", base=tables.friedman_batchnorm_cosine, why="BatchNorm is no non-linearity")
def friedman_norms_without_activation(recipe):
    return recipe.replace(model=partial(mlp, [10, 48, 48, 1], None, norm=nn.BatchNorm1d))


@faulty("WIR101", base=tables.sine_huber_gelu)
def sine_functional_without_activation(recipe):
    return recipe.replace(model=partial(nets.FunctionalNet, 1, 64, 1, nn.Identity()))


class Cut(nn.Module):
    """A net whose hidden features are cut off from the gradient."""

    def __init__(self, features, hidden, outputs, cut):
        super().__init__()
        self.fc1 = nn.Linear(features, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, outputs)
        self.cut = cut

    def forward(self, x):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(x))))
        return self.out(self.cut(x))


@faulty("WIR102", base=plane.spirals_elu)
def features_detached(recipe):
    return recipe.replace(model=partial(Cut, 2, 64, 2, torch.detach))


@faulty("WIR102", base=plane.spirals_three_silu, why="round has no gradient")
def features_rounded(recipe):
    return recipe.replace(model=partial(Cut, 2, 64, 3, torch.round))


@faulty("WIR102", base=tables.sine_tanh)
def features_through_numpy(recipe):
    def through(x):
        return torch.tensor(x.detach().numpy())

    return recipe.replace(model=partial(Cut, 1, 24, 1, through))


@faulty("WIR102", base=images.digits_cnn_unit_range_gelu, why="the largest channel as a number")
def argmax_between_layers(recipe):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 16, 3, padding=1)
            self.out = nn.Linear(64, 10)

        def forward(self, x):
            return self.out(self.conv(x).argmax(1).float().flatten(1))

    return recipe.replace(model=Net)


@faulty("WIR102", base=sequences.recall_gru)
def recurrent_without_gradient(recipe):
    class Net(Recurrent):
        def forward(self, x):
            with torch.no_grad():
                states = self.body(x)[0]
            return self.head(states[:, -1])

    return recipe.replace(model=partial(Net, nn.GRU, 4, 24, 4))


@faulty("WIR102", base=plane.circles_tanh, why="a branch that is built and never used")
def layers_never_called(recipe):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = mlp([2, 32, 32], nn.Tanh)
            self.head = nn.Linear(2, 2)

        def forward(self, x):
            return self.head(x)

    return recipe.replace(model=Net)


def only(pattern, kind, **options):
    """An optimizer over the parameters whose names start with `pattern`."""

    def build(model):
        chosen = [p for name, p in model.named_parameters() if name.startswith(pattern)]
        return kind(chosen, **options)

    return build


@faulty("WIR103", base=plane.spirals_elu)
def optimizer_over_last_layer(recipe):
    return recipe.replace(optimizer=only("4", Adam, lr=1e-2))


@faulty("WIR103", base=sequences.recall_attention)
def optimizer_over_head_only(recipe):
    return recipe.replace(optimizer=only("head", Adam, lr=5e-3))


@faulty("WIR103", base=tables.friedman_relu)
def optimizer_over_first_layer(recipe):
    return recipe.replace(optimizer=only("0", Adam, lr=2e-3))


@faulty("WIR103", base=images.digits_relu_adam, why="the optimizer was built for another model")
def optimizer_over_another_model(recipe):
    other = mlp([64, 64, 64, 10])

    def build(model):
        return Adam(other.parameters(), lr=1e-3)

    return recipe.replace(optimizer=build)


def frozen(*prefixes):
    def change(model):
        for name, parameter in model.named_parameters():
            if name.startswith(prefixes):
                parameter.requires_grad_(False)

    return change


@faulty("WIR102", "WIR103", base=plane.spirals_elu, why="random features are not enough")
def hidden_layers_frozen(recipe):
    return with_model(recipe, frozen("0", "2"))


@faulty("WIR102", "WIR103", base=sequences.ordered_transformer)
def encoder_frozen(recipe):
    return with_model(recipe, frozen("embed", "position", "encoder"))


@faulty("WIR105", base=images.digits_tanh_xavier_sgd)
def softmax_between_layers(recipe):
    model = partial(mlp, [64, 80, 40, 10], partial(nn.Softmax, 1))
    return recipe.replace(model=model)


@faulty("WIR105", base=varied(images.digits_functional_rmsprop, optimizer=partial(SGD, lr=0.1)))
def softmax_after_hidden_layer(recipe):
    class Net(nets.FunctionalNet):
        def forward(self, x):
            hidden = F.softmax(self.fc2(F.relu(self.fc1(x))), dim=1)
            return self.out(hidden)

    return recipe.replace(model=partial(Net, 64, 64, 10))


@faulty("WIR105", base=images.digits_cnn_adam)
def softmax_between_convolutions(recipe):
    def net():
        return nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.Softmax(1), nn.Conv2d(12, 24, 3, padding=1),
            nn.Softmax(1), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(96, 10),
        )  # fmt: skip

    return recipe.replace(model=net)


@faulty("WIR106", base=sequences.waves_lstm, why="batch_first is missing: time runs over the rows")
def recurrence_over_the_batch(recipe):
    model = partial(Recurrent, nn.LSTM, 1, 24, 3, batch_first=False)
    return recipe.replace(model=model)


@faulty("WIR106", base=sequences.ordered_transformer)
def attention_over_the_batch(recipe):
    def net():
        model = nets.Transformer(12, 10, 2, width=24)
        for layer in model.encoder.layers:
            layer.self_attn.batch_first = False
        return model

    return recipe.replace(model=net)


@faulty("WIR106", base=sequences.recall_attention, why="the softmax runs over the rows")
def attention_weights_over_the_batch(recipe):
    class Net(nets.SelfAttention):
        def forward(self, x):
            x = self.lift(x) + self.position
            q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
            weights = torch.softmax(q @ k.transpose(1, 2), 0)
            return self.head((weights @ v)[:, -1])

    return recipe.replace(model=partial(Net, 4, 24, 4, 12))


@faulty("WIR114", "WIR106", base=sequences.waves_convolution, why="view for a transpose")
def view_mixes_rows(recipe):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = mlp([24, 48, 48, 3])

        def forward(self, x):
            return self.net(x.transpose(0, 1).reshape(-1, 24))

    return recipe.replace(model=Net, optimizer=partial(AdamW, lr=5e-3))


@faulty(
    "WIR113", "WIR104", "CRV101", base=plane.spirals_deep_relu, why="one unit cannot bend that far"
)
def one_hidden_unit(recipe):
    return recipe.replace(model=partial(mlp, [2, 1, 2], nn.Tanh))


@faulty(
    "WIR113", "WIR104", "CRV101", base=images.digits_relu_adam, why="ten classes through one number"
)
def bottleneck_of_one(recipe):
    return recipe.replace(model=partial(mlp, [64, 64, 1, 10], nn.Tanh))


@faulty("WIR113", "WIR104", "CRV101", base=sequences.texts_bag)
def embedding_of_one(recipe):
    class Tiny(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(120, 1)
            self.out = nn.Linear(1, 3)

        def forward(self, tokens):
            return self.out(self.embed(tokens % 7).mean(1))

    return recipe.replace(model=Tiny)


@faulty("WIR104", "CRV101", base=tables.sine_tanh)
def line_for_a_sine(recipe):
    return recipe.replace(model=partial(nn.Linear, 1, 1), data=tasks.sine(frequency=3.0))


@faulty("NUM101", base=tables.friedman_raw_scale, why="the logarithm of what may be negative")
def logarithm_of_negative(recipe):
    class Net(nets.FunctionalNet):
        def forward(self, x):
            return super().forward(torch.log(self.fc1.bias.mean() + x - 0.3))

    return recipe.replace(model=partial(Net, 10, 32, 1))


@faulty("NUM101", base=plane.moons_probabilities_bce, why="log(0) in a hand-written loss")
def logarithm_of_zero(recipe):
    def loss(output, target):
        return -(target * output.log() + (1 - target) * (1 - output).log()).mean()

    def sharp(model):
        with torch.no_grad():
            model[-2].weight.mul_(1000)

    return with_model(recipe.replace(loss=loss), sharp)


@faulty("NUM101", base=images.digits_cnn_adam, why="division by the deviation of blank borders")
def division_by_zero_deviation(recipe):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = mlp([64, 32, 10])

        def forward(self, x):
            x = x.flatten(1)
            return self.body((x - x.mean(0)) / x.std(0))

    return recipe.replace(model=Net)


@faulty("NUM101", base=tables.sine_tanh, why="the root has an infinite slope at 0")
def root_of_zero(recipe):
    class Net(nets.FunctionalNet):
        def forward(self, x):
            return super().forward(x) * (F.relu(self.fc1(x)).sum(1, keepdim=True) * 0).sqrt().add(1)

    return recipe.replace(model=partial(Net, 1, 24, 1))


class AlwaysDropping(nn.Module):
    """A net whose dropout does not ask whether it is training."""

    def __init__(self, sizes, p):
        super().__init__()
        pairs = pairwise(sizes)
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairs)
        self.p = p

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.dropout(torch.relu(layer(x)), self.p)
        return self.layers[-1](x)


@faulty("WIR108", base=images.digits_relu_adam, why="F.dropout without training=self.training")
def dropout_never_ends(recipe):
    return recipe.replace(model=partial(AlwaysDropping, [64, 64, 10], 0.6))


class UnseenDropout(nn.Module):
    """A net whose Dropout modules stand in a plain list, which eval() does not reach."""

    def __init__(self, net, p):
        super().__init__()
        self.net = net
        self.drops = [nn.Dropout(p)]

    def forward(self, x):
        for layer in self.net[:-1]:
            x = layer(x)
        return self.net[-1](self.drops[0](x))


@faulty("WIR108", base=images.digits_relu_adam, why="the Dropout is kept in a list")
def dropout_in_a_list(recipe):
    def net():
        return UnseenDropout(mlp([64, 64, 10]), 0.8)

    return recipe.replace(model=net)
