"""Healthy trainings that use the other ways of writing a recipe."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from corpus import nets, tasks
from corpus.nets import cnn, mlp
from corpus.recipes import SGD, Adam, AdamW, classify, regress
from corpus.register import healthy
from torchclinic.core import Splits


@healthy(0.92)
def digits_data_loader():
    splits = tasks.digits()
    data = Splits(
        train=DataLoader(TensorDataset(*splits.train), batch_size=32, shuffle=True),
        test=DataLoader(TensorDataset(*splits.test), batch_size=256),
    )
    return classify(partial(mlp, [64, 64, 10]), data, partial(Adam, lr=2e-3), epochs=8)


class Shifted(Dataset):
    """Digits that are moved by up to one pixel, at random."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, row):
        steps = torch.randint(-1, 2, (2,)).tolist()
        return torch.roll(self.images[row], steps, (1, 2)), self.labels[row]


@healthy(0.93)
def digits_augmented():
    splits = tasks.digits(image=True)
    data = Splits(Shifted(*splits.train), test=splits.test)
    return classify(cnn, data, partial(Adam, lr=3e-3), epochs=10, batch_size=64)


@healthy(0.93)
def digits_batches_by_name():
    splits = tasks.digits()
    parts = [{"pixels": x, "labels": y} for x, y in (splits.train, splits.test)]

    def net():
        return nets.Named(mlp([64, 64, 10], nn.GELU))

    data = Splits(parts[0], test=parts[1])
    return classify(net, data, partial(AdamW, lr=2e-3), epochs=8)


def step_with_distillation(model, batch):
    """Cross-entropy and a pull towards an even distribution."""
    x, y = batch
    scores = model(x)
    even = -F.log_softmax(scores, 1).mean()
    return F.cross_entropy(scores, y) + 0.05 * even


@healthy(0.94)
def digits_own_step():
    return classify(
        partial(mlp, [64, 64, 10]),
        tasks.digits(),
        partial(Adam, lr=2e-3),
        step=step_with_distillation,
        metric=None,
        epochs=8,
    )


@healthy(0.93)
def digits_accumulated():
    optimizer = partial(SGD, lr=0.2)
    return classify(
        partial(mlp, [64, 64, 10]),
        tasks.digits(),
        optimizer,
        batch_size=16,
        accumulate=4,
        epochs=12,
    )


@healthy(0.92)
def digits_by_steps():
    model = partial(nets.FunctionalNet, 64, 48, 10, torch.tanh)
    return classify(model, tasks.digits(), partial(Adam, lr=2e-3), steps=400)


@healthy(0.87)
def blobs_weighted_classes():
    """Rare classes with weights."""
    splits = tasks.blobs(1200, classes=3, spread=0.6)
    x, y = splits.train
    kept = (y != 2) | (torch.arange(len(y)) % 4 == 2)
    data = Splits((x[kept], y[kept]), None, splits.test, "rare blobs")
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 1.0, 3.0]))
    return classify(partial(mlp, [2, 24, 3]), data, partial(Adam, lr=5e-3), loss=loss)


def groups(model):
    """AdamW without decay for norms and biases, as transformers are trained."""
    flat = [p for p in model.parameters() if p.dim() < 2]
    deep = [p for p in model.parameters() if p.dim() >= 2]
    return AdamW([{"params": deep, "weight_decay": 0.1}, {"params": flat, "weight_decay": 0}], 2e-3)


@healthy(0.94)
def digits_parameter_groups():
    model = partial(mlp, [64, 64, 64, 10], norm=nn.LayerNorm)
    return classify(model, tasks.digits(), groups, epochs=8)


@healthy(0.92)
def digits_bfloat16():
    return classify(
        partial(mlp, [64, 96, 10]),
        tasks.digits(),
        partial(Adam, lr=2e-3),
        autocast="bfloat16",
        epochs=8,
    )


@healthy(0.95)
def multi_label_tables():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1200, 6, generator=generator)
    y = torch.stack([x[:, 0] > 0, x[:, 1] + x[:, 2] > 0, x[:, 3] * x[:, 4] > 0], 1).float()
    data = Splits((x[:800], y[:800]), None, (x[800:], y[800:]), "multi-label")
    model = partial(mlp, [6, 64, 64, 3])
    return classify(
        model, data, partial(Adam, lr=5e-3), loss=nn.BCEWithLogitsLoss(), metric=None, epochs=15
    )


@healthy(0.9, why="two outputs a row, both standardised")
def two_targets():
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(800, 3, generator=generator) * 2 - 1
    y = torch.stack([(3 * x[:, 0]).sin() + x[:, 1], x[:, 1] * x[:, 2] * 3], 1)
    data = Splits((x[:600], y[:600]), None, (x[600:], y[600:]), "two targets")
    return regress(partial(mlp, [3, 48, 48, 2], nn.SiLU), data, partial(Adam, lr=1e-2), epochs=20)


class Blurred(nn.Module):
    """A net that adds a little noise to its features, also in evaluation."""

    def __init__(self):
        super().__init__()
        self.body, self.head = mlp([64, 64], nn.ReLU), nn.Linear(64, 10)

    def forward(self, x):
        features = torch.relu(self.body(x))
        return self.head(features + 0.02 * torch.randn_like(features))


@healthy(0.92, why="small noise in evaluation is harmless")
def digits_blurred_features():
    return classify(Blurred, tasks.digits(), partial(Adam, lr=2e-3), epochs=8)


@healthy(0.9, why="drawn once in random order, so that it need not be shuffled again")
def digits_never_shuffled():
    recipe = classify(partial(mlp, [64, 64, 10]), tasks.digits(), partial(Adam, lr=2e-3), epochs=8)
    return recipe.replace(shuffle=False)


def _few_of(splits, label, keep):
    """Only every `keep`-th training row of one class."""
    x, y = splits.train
    rare = (y == label).nonzero().flatten()
    drop = torch.ones(len(y), dtype=torch.bool)
    drop[rare] = False
    drop[rare[::keep]] = True
    return Splits((x[drop], y[drop]), splits.validation, splits.test, splits.name)


@healthy(0.88, why="a rare class that is recognised all the same")
def digits_few_sevens():
    data = _few_of(tasks.digits(), 7, 12)
    return classify(partial(mlp, [64, 64, 10]), data, partial(Adam, lr=3e-3), epochs=15)


@healthy(0.85, why="noisy labels: what can be learnt is learnt")
def moons_fifth_of_labels_random():
    x, y = tasks.moons(800, noise=0.1).train
    chosen = torch.rand(len(y), generator=torch.Generator().manual_seed(5)) < 0.2
    spoiled = torch.where(chosen, 1 - y, y)
    data = Splits((x, spoiled), None, tasks.moons(800, noise=0.1).test)
    return classify(partial(mlp, [2, 16, 2]), data, partial(Adam, lr=1e-2), epochs=15)
