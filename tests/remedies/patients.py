"""Recipes that the remedies are tried on: small, picklable, of many kinds."""

from dataclasses import replace
from functools import cache, partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, AdamW
from torch.utils.data import DataLoader, TensorDataset

from torchclinic.clinic.preflight import batch_facts, recipe_facts
from torchclinic.clinic.preflight.data.labels import label_facts
from torchclinic.core import Case, EarlyStopping, LRRange, Recipe, Schedule, Splits
from torchclinic.optim import CosineDecay
from torchclinic.remedies import REMEDIES


class Shared(nn.Module):
    """The specification's net: one activation instance for all layers, also an attribute."""

    def __init__(self, features=12, n_layers=3, activation=nn.Sigmoid):
        super().__init__()
        self.activation = activation()
        layers = [nn.Linear(features, 16), self.activation]
        for _ in range(n_layers - 1):
            layers += [nn.Linear(16, 16), self.activation]
        self.layers = nn.Sequential(*layers, nn.Linear(16, 4))

    def forward(self, x):
        return self.layers(x.view(-1, 12))


class Bare(nn.Module):
    """The specification's second net: bare parameters, F.tanh, three outputs."""

    def __init__(self, inputs=12, hidden=16, outputs=4):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(inputs, hidden))
        self.b1 = nn.Parameter(torch.randn(hidden))
        self.w2 = nn.Parameter(torch.randn(hidden, outputs))
        self.b2 = nn.Parameter(torch.randn(outputs))

    def forward(self, x):
        h = x.flatten(1) @ self.w1 + self.b1
        h_act = F.tanh(h)
        logits = h_act @ self.w2 + self.b2
        return logits, h_act, h


class FunctionalCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
        self.fc1 = nn.Linear(6 * 4, 10)
        self.fc2 = nn.Linear(10, 4)

    def forward(self, x):
        x = F.max_pool2d(torch.sigmoid(self.conv1(x)), 2)
        x = F.max_pool2d(self.conv2(x).sigmoid(), 2)
        x = torch.tanh(self.fc1(torch.flatten(x, 1)))
        return self.fc2(x)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.act(x + self.conv2(self.act(self.conv1(x))))


class ResidualCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.blocks = nn.Sequential(Block(6), Block(6))
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        x = self.blocks(F.relu(self.stem(x)))
        return self.head(x.mean((2, 3)))


class LSTMClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 8, batch_first=True)
        self.hidden = nn.Linear(8, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.head(torch.tanh(self.hidden(out[:, -1])))


class TransformerClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(5, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return self.head(self.encoder(torch.tanh(self.embed(x))).mean(1))


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(12, 8), nn.Sigmoid(), nn.Linear(8, 3), nn.Sigmoid())
        self.decoder = nn.Sequential(nn.Linear(3, 8), nn.Sigmoid(), nn.Linear(8, 12))

    def forward(self, x):
        return self.decoder(self.encoder(x))


class DataDependent(nn.Module):
    """torch.fx cannot trace it; the activations are functions."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(12, 16)
        self.fc2 = nn.Linear(16, 16)
        self.fc3 = nn.Linear(16, 4)

    def forward(self, x):
        x = torch.sigmoid(self.fc1(x))
        if x.sum() > 0:
            x = torch.sigmoid(self.fc2(x))
        return self.fc3(x)


class DataDependentModules(DataDependent):
    """The same with activation modules."""

    def __init__(self):
        super().__init__()
        self.act1, self.act2 = nn.Sigmoid(), nn.Sigmoid()

    def forward(self, x):
        x = self.act1(self.fc1(x))
        if x.sum() > 0:
            x = self.act2(self.fc2(x))
        return self.fc3(x)


class Gated(nn.Module):
    """A sigmoid gate, an attention softmax, a tanh between layers and a sigmoid at the end."""

    def __init__(self):
        super().__init__()
        self.up, self.gate = nn.Linear(12, 16), nn.Linear(12, 16)
        self.q, self.k, self.v = (nn.Linear(4, 4) for _ in range(3))
        self.mid, self.head = nn.Linear(16, 16), nn.Linear(16, 1)

    def forward(self, x):
        h = self.up(x) * torch.sigmoid(self.gate(x))
        t = h.view(-1, 4, 4)
        weights = F.softmax(self.q(t) @ self.k(t).transpose(1, 2), dim=-1)
        h = h + (weights @ self.v(t)).flatten(1)
        return torch.sigmoid(self.head(torch.tanh(self.mid(h))))


class OneActivation(nn.Module):
    """One module, called between the layers and on the output."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(12, 8), nn.Linear(8, 8), nn.Linear(8, 1)
        self.act = nn.Sigmoid()

    def forward(self, x):
        return self.act(self.fc3(self.act(self.fc2(self.act(self.fc1(x))))))


class Detached(nn.Module):
    """Its first layer is cut off from the loss."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(12, 8), nn.Linear(8, 4)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)).detach())


class AlwaysDropping(nn.Module):
    """Its dropout does not ask whether it trains."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(12, 8), nn.Linear(8, 4)

    def forward(self, x):
        return self.fc2(F.dropout(F.relu(self.fc1(x)), 0.5))


class HiddenLayers(nn.Module):
    """Half of its layers are kept in a plain list."""

    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(12, 8)]
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return self.head(F.relu(self.hidden[0](x)))


def sequential(*layers):
    return nn.Sequential(*(layer() for layer in layers))


def dense(inputs, outputs):
    return partial(nn.Linear, inputs, outputs)


def relu_mlp():
    return sequential(dense(12, 16), nn.ReLU, dense(16, 16), nn.ReLU, dense(16, 4))


def softmax_mlp():
    return sequential(dense(12, 16), nn.ReLU, dense(16, 4), partial(nn.Softmax, 1))


def sigmoid_head():
    return sequential(dense(12, 16), nn.ReLU, dense(16, 1), nn.Sigmoid)


def relu_head():
    return sequential(dense(12, 16), nn.Tanh, dense(16, 1), nn.ReLU)


def linear_pair():
    return sequential(dense(12, 16), dense(16, 16), nn.ReLU, dense(16, 4))


def inner_softmax():
    return sequential(dense(12, 16), partial(nn.Softmax, 1), dense(16, 16), nn.ReLU, dense(16, 4))


def regression():
    return sequential(dense(12, 16), nn.Tanh, dense(16, 1))


def with_dropout():
    return sequential(dense(12, 16), nn.ReLU, partial(nn.Dropout, 0.1), dense(16, 4))


def frozen():
    model = relu_mlp()
    model[0].requires_grad_(False)
    return model


class HeadOnly:
    """An optimizer factory that forgets all but the last layer."""

    def __call__(self, model):
        return SGD(list(model[-1].parameters()), lr=0.1)


def gaussian(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def classes(inputs, count=4):
    flat = inputs.reshape(len(inputs), -1)
    return (flat @ gaussian(flat.shape[1], count, seed=9)).argmax(1)


def splits(inputs, targets):
    rows = len(inputs)
    cut = rows * 3 // 4
    return Splits((inputs[:cut], targets[:cut]), (inputs[cut:], targets[cut:]))


def recipe(model, inputs, targets=None, *, loss=None, **options):
    targets = classes(inputs) if targets is None else targets
    options = {"optimizer": partial(SGD, lr=1e-3), "batch_size": 24, "steps": 4, **options}
    loss = nn.CrossEntropyLoss() if loss is None else loss
    return Recipe(model=model, data=splits(inputs, targets), loss=loss, **options)


VECTORS = gaussian(128, 12)
IMAGES = gaussian(96, 3, 8, 8)
SEQUENCES = gaussian(96, 7, 5)
WEIGHTS = gaussian(12, 1, seed=5)
REALS = VECTORS @ WEIGHTS
WITH_NAN = torch.where(torch.arange(128)[:, None] % 10 == 3, torch.nan, VECTORS)

MANY = gaussian(256, 12)
RARE = torch.where(torch.arange(128) % 9 > 0, torch.zeros(128).long(), classes(VECTORS))
LOADED = TensorDataset(VECTORS, classes(VECTORS))

PATIENTS = {
    "shared": lambda: recipe(Shared, VECTORS),
    "deep": lambda: recipe(partial(Shared, 12, 10, nn.Tanh), VECTORS),
    "bare": lambda: recipe(Bare, VECTORS),
    "functional-cnn": lambda: recipe(FunctionalCNN, IMAGES),
    "residual-cnn": lambda: recipe(ResidualCNN, IMAGES, optimizer=partial(Adam, lr=1e-3)),
    "lstm": lambda: recipe(LSTMClassifier, SEQUENCES),
    "transformer": lambda: recipe(
        TransformerClassifier, SEQUENCES, optimizer=partial(AdamW, lr=1e-3)
    ),
    "autoencoder": lambda: recipe(AutoEncoder, VECTORS, VECTORS.clone(), loss=nn.MSELoss()),
    "data-dependent": lambda: recipe(DataDependent, VECTORS),
    "data-dependent-modules": lambda: recipe(DataDependentModules, VECTORS),
    "gated": lambda: recipe(Gated, VECTORS, (REALS > 0).float(), loss=nn.BCELoss()),
    "one-activation": lambda: recipe(
        OneActivation, VECTORS, (REALS > 0).float(), loss=nn.BCELoss()
    ),
    "relu-mlp": lambda: recipe(relu_mlp, VECTORS),
    "module": lambda: recipe(relu_mlp(), VECTORS),
    "unscaled": lambda: recipe(relu_mlp, VECTORS * 50 + 100, classes(VECTORS)),
    "softmax": lambda: recipe(softmax_mlp, VECTORS),
    "sigmoid-logits": lambda: recipe(
        sigmoid_head, VECTORS, (REALS > 0).float(), loss=nn.BCEWithLogitsLoss()
    ),
    "relu-head": lambda: recipe(relu_head, VECTORS, REALS, loss=nn.MSELoss()),
    "linear-pair": lambda: recipe(linear_pair, VECTORS),
    "inner-softmax": lambda: recipe(inner_softmax, VECTORS),
    "regression": lambda: recipe(regression, VECTORS, REALS * 40 + 500, loss=nn.MSELoss()),
    "broadcast": lambda: recipe(regression, VECTORS, REALS.squeeze(1), loss=nn.MSELoss()),
    "nll-on-scores": lambda: recipe(relu_mlp, VECTORS, loss=nn.NLLLoss()),
    "dropout": lambda: recipe(with_dropout, VECTORS),
    "frozen": lambda: recipe(frozen, VECTORS),
    "head-only": lambda: recipe(relu_mlp, VECTORS, optimizer=HeadOnly()),
    "decayed": lambda: recipe(relu_mlp, VECTORS, optimizer=partial(SGD, lr=0.1, weight_decay=1.0)),
    "nan": lambda: recipe(relu_mlp, WITH_NAN, classes(VECTORS)),
    "scheduled": lambda: recipe(
        relu_mlp,
        VECTORS,
        optimizer=partial(SGD, lr=0.0314, momentum=0.9),
        schedule=Schedule(CosineDecay(share=0.1)),
        clip_norm=0.5,
        early_stopping=EarlyStopping(),
    ),
    "detached": lambda: recipe(Detached, VECTORS, optimizer=partial(AdamW, lr=0.03)),
    "logistic": lambda: recipe(dense(12, 4), VECTORS),
    "strangers": lambda: recipe(relu_mlp, MANY, classes(MANY).roll(1)),
    "rare": lambda: recipe(relu_mlp, VECTORS, RARE),
    "rare-yes": lambda: recipe(
        regression, VECTORS, (REALS > 5).float(), loss=nn.BCEWithLogitsLoss()
    ),
    "not-shuffled": lambda: recipe(relu_mlp, VECTORS, shuffle=False),
    "wrong-labels": lambda: recipe(relu_mlp, VECTORS, classes(VECTORS) + 1),
}

# Patients for one remedy alone: what the other tests take for granted does not hold of them.
SPECIAL = {
    "loader": (
        lambda: recipe(relu_mlp, VECTORS).replace(data=DataLoader(LOADED, batch_size=24)),
        "shuffle",
    ),
    "random": (
        lambda: recipe(AlwaysDropping, VECTORS),
        "respect-evaluation-mode",
    ),
    "hidden-layers": (
        lambda: recipe(HiddenLayers, VECTORS),
        "connect-parameters",
    ),
}

RANGE = LRRange(
    learning_rates=(1e-3, 1e-2, 1e-1),
    losses=(1.0, 0.5, 0.9),
    suggestions={"valley": 0.0314},
    configured=1e-3,
)


def case_of(recipe):
    batch = batch_facts(recipe, 0, rows=64)
    batch = replace(batch, labels=label_facts(recipe, batch.targets))
    return Case(recipe=recipe_facts(recipe, 0), batch=batch, lr_range=RANGE)


@cache
def patient(name):
    """A recipe and its facts; both are frozen, so they may be shared."""
    make = PATIENTS[name] if name in PATIENTS else SPECIAL[name][0]
    made = make()
    return made, case_of(made)


FAST = {True: 7, False: 2}  # patients a remedy is tried on by default, with surgery and without


def fewer(pairs):
    """All pairs, of which those beyond the first few of each remedy are marked slow."""
    found, tried = [], dict.fromkeys(REMEDIES, 0)
    order = {name: place for place, name in enumerate((*PATIENTS, *SPECIAL))}
    for remedy, name in sorted(pairs, key=lambda pair: (pair[0], order[pair[1]])):
        fast = tried[remedy] < FAST[hasattr(REMEDIES[remedy], "edit")]
        tried[remedy] += 1
        found.append(pytest.param(remedy, name, marks=() if fast else pytest.mark.slow))
    return found
