"""BatchNorm and batches that never change.

:number: 13
:question: What happens to BatchNorm when the rows are not shuffled between epochs?
:source: lecture 000, "Advice on using BatchNormalization"
:minutes: 0.4

"It is crucial to shuffle the rows (to make new batches) between epochs": gamma and beta learn from
batches, and without shuffling 6,400 rows make but 100 different ones. Three layers of 100 units
with and without BatchNorm are trained in three ways: shuffled each epoch, in batches drawn once and
then kept, and in batches sorted by class, as a data set that is stored class by class gives them.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, band, figure, label_ends, title_panel
from torchclinic.gallery.text.numbers import toll
from torchclinic.nn.nets import MLP

LECTURE = "000, Advice on using BatchNormalization"
NETS = {"BatchNorm": "batch", "without": None}
ORDERS = ("shuffled", "kept", "sorted")
SHADES: dict[str, str] = dict(zip(ORDERS, ("blue", "green", "vermilion"), strict=True))


def recipe(settings: Settings, norm: str | None, order: str) -> tc.Recipe:
    """The net with its rows in an order."""
    data = images(settings)
    return tc.Recipe(
        model=partial(MLP, pixels(settings), 3, norm=norm, init="he", bias=norm is None),
        data=by_class(data) if order == "sorted" else data,
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=0.05),
        batch_size=32,
        shuffle=order == "shuffled",
        epochs=epochs(settings, mnist=3, digits=40),
        metric="accuracy",
    )


def by_class(data: tc.Splits) -> tc.Splits:
    """The same rows, sorted by class."""
    inputs, labels = data.train
    order = torch.argsort(labels, stable=True)
    return tc.Splits(train=(inputs[order], labels[order]), test=data.test, name=data.name)


def run(settings: Settings) -> Outcome:
    """Two nets in three orders."""
    arms = {f"{net}, {o}": recipe(settings, norm, o) for net, norm in NETS.items() for o in ORDERS}
    found = train_arms(arms, settings, what="two nets in three orders")
    return Outcome(
        claims=_claims({name: np.asarray(c.final) for name, c in found.items()}),
        numbers={f"accuracy/{name}": float(np.mean(c.final)) for name, c in found.items()},
        pictures=(_curves(found),),
        series={f"accuracy/{name}": c.series() for name, c in found.items()},
    )


def _claims(final: dict[str, np.ndarray]) -> tuple[Claim, ...]:
    cost = {
        (net, order): final[f"{net}, shuffled"] - final[f"{net}, {order}"]
        for net in NETS
        for order in ORDERS[1:]
    }
    return (
        judge(
            "It is crucial to make new batches each epoch: batches drawn once and kept cost "
            "5 points or more.",
            source=LECTURE,
            measure="test accuracy with BatchNorm: shuffled minus kept",
            values=cost["BatchNorm", "kept"],
            above=0.05,
            if_refuted="Random batches that are kept are still fair samples of the data, so their "
            "statistics are right; what is lost is only the noise that new batches add.",
        ),
        judge(
            "Keeping the batches costs something.",
            source=LECTURE,
            measure="test accuracy with BatchNorm: shuffled minus kept",
            values=cost["BatchNorm", "kept"],
            above=0.0,
            if_not_settled="The difference is within what seeds do.",
        ),
        judge(
            "It is crucial to shuffle at all: batches of a class each ruin the net.",
            source=LECTURE,
            measure="test accuracy with BatchNorm: shuffled minus sorted by class",
            values=cost["BatchNorm", "sorted"],
            above=0.5,
            reason="In training every class is normalised by its own mean, at prediction all by "
            "the moving average of the classes seen last.",
        ),
        judge(
            "That is BatchNorm's doing: the same net without it loses less.",
            source=LECTURE,
            measure="loss of accuracy by sorting: with BatchNorm minus without",
            values=cost["BatchNorm", "sorted"] - cost["without", "sorted"],
            above=0.0,
        ),
    )


def _curves(found: dict[str, Curves]) -> Picture:
    mean = {order: float(np.mean(found[f"BatchNorm, {order}"].final)) for order in ORDERS}
    drawn, axes = figure(
        f"With BatchNorm, keeping the batches {toll(mean['shuffled'] - mean['kept'])}, "
        f"sorting them by class {toll(mean['shuffled'] - mean['sorted'])}",
        "Test accuracy of three layers of 100 ReLUs during training; band: lowest to highest seed.",
        columns=2,
        sharey=True,
    )
    axes[0, 0].set_ylim(0, 1.02)
    for panel, net in zip(axes[0], NETS, strict=True):
        for order in ORDERS:
            curve = found[f"{net}, {order}"]
            band(panel, curve.steps, curve.metric, label=order, color=COLOURS[SHADES[order]])
        title_panel(panel, net, x="update", y="test accuracy")
        label_ends(panel)
    return Picture("orders", drawn, "Test accuracy by order of the rows.")
