"""Short ways to write recipes and to put faults into them."""

from functools import partial

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, RMSprop

from torchclinic.core import Recipe, Schedule

__all__ = ["SGD", "Adam", "AdamW", "RMSprop"]

CE = nn.CrossEntropyLoss
BCE = nn.BCEWithLogitsLoss
MSE = nn.MSELoss


def classify(model, data, optimizer, *, epochs=10, **options):
    """A classification by cross-entropy and accuracy."""
    options.setdefault("loss", CE())
    return _recipe(model, data, optimizer, epochs, {"metric": "accuracy", **options})


def regress(model, data, optimizer, *, epochs=40, **options):
    """A regression by squared error and R^2."""
    options.setdefault("loss", MSE())
    return _recipe(model, data, optimizer, epochs, {"metric": "r2", **options})


def _recipe(model, data, optimizer, epochs, options):
    if options.get("step"):
        options["loss"] = None
    if options.get("steps"):
        epochs = None
    return Recipe(model=model, data=data, optimizer=optimizer, epochs=epochs, **options)


def varied(base, **changes):
    """A factory of the base's recipe with other fields."""
    return lambda: base().replace(**changes)


class Changed:
    """A model factory whose model is changed after it is built."""

    def __init__(self, factory, change):
        self.factory, self.change = factory, change

    def __call__(self):
        model = self.factory()
        return self.change(model) or model


def with_model(recipe, change):
    """`change(model)` alters the model in place, or returns another."""
    return recipe.replace(model=Changed(recipe.model, change))


def with_optimizer(recipe, **options):
    """The same optimizer with other options, such as lr=."""
    kept = recipe.optimizer
    return recipe.replace(optimizer=partial(kept.func, **{**kept.keywords, **options}))


def cosine(optimizer, total):
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)


def one_cycle(peak):
    def make(optimizer, total):
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=total + 1)

    return Schedule(make, "step", "one-cycle")


def warmed_up(steps):
    def make(optimizer, total):
        lr = torch.optim.lr_scheduler
        warm = lr.LinearLR(optimizer, 0.05, total_iters=steps)
        rest = lr.CosineAnnealingLR(optimizer, max(1, total - steps))
        return lr.SequentialLR(optimizer, [warm, rest], [steps])

    return Schedule(make, "step", "warm-up and cosine")


def factors(function, name="factors"):
    """A schedule lr * function(step)."""
    return Schedule(
        lambda optimizer, _: torch.optim.lr_scheduler.LambdaLR(optimizer, function), "step", name
    )
