"""DropBlock and stochastic depth in a residual net.

:number: 11
:question: Does it help to drop whole blocks of a feature map, or whole layers?
:source: lecture 000 and 002, "DropBlock"
:minutes: 23

"One can, for example, drop random blocks of layers for each batch. And it will work!" The lecture's
picture shows DropBlock (Ghiasi et al. 2018, contiguous squares of a feature map), its link leads to
stochastic depth (Huang et al. 2016, whole residual branches); both are tried, besides dropout of
single values, in a residual convolutional net of four blocks. The data are few on purpose, since
that is where regularisation should show: a tenth of the training images, and all of them.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import nn
from torch.optim import Adam

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import images
from torchclinic.gallery.style import COLOURS, dots, figure, heat, title_panel
from torchclinic.gallery.text.numbers import points, toll
from torchclinic.nn import Residual
from torchclinic.nn.dropout import DropBlock2d, StochasticDepth, linear_decay
from torchclinic.nn.nets import ResidualConvNet
from torchclinic.training import seeded

LECTURE = "000, DropBlock"
KINDS = ("nothing", "dropout 0.2", "DropBlock 0.2", "stochastic depth 0.3")
SHADES: dict[str, str] = dict(zip(KINDS, ("grey", "blue", "vermilion", "green"), strict=True))
ROWS = ("a tenth", "all")


def net(kind: str) -> nn.Module:
    """A residual convolutional net of four blocks that drops something."""
    inside = {
        "dropout 0.2": partial(nn.Dropout, 0.2),
        "DropBlock 0.2": partial(DropBlock2d, 0.2, 3),
    }
    rates = linear_decay(4, 0.3)

    def wrap(block: nn.Module, place: int) -> nn.Module:
        return Residual(nn.Sequential(block, StochasticDepth(rates[place])))

    return ResidualConvNet(
        widths=(8, 16),
        blocks=2,
        dropout=inside.get(kind, 0.0),
        wrap=wrap if kind.startswith("stochastic") else None,
    )


def recipe(settings: Settings, kind: str, rows: str) -> tc.Recipe:
    """The training of a kind on some of the rows: as many updates for a tenth as for all."""
    data = images(settings, flat=False)
    inputs, labels = data.train
    count = len(inputs) // 10 if rows == "a tenth" else len(inputs)
    steps = settings.pick(1500, 600) if settings.data == "mnist" else settings.pick(1000, 140)
    return tc.Recipe(
        model=partial(net, kind),
        data=tc.Splits(train=(inputs[:count], labels[:count]), test=data.test, name=data.name),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(Adam, lr=3e-3),
        batch_size=32,
        steps=steps,
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """Four nets on a tenth of the rows and on all."""
    arms = {f"{kind}, {rows}": recipe(settings, kind, rows) for rows in ROWS for kind in KINDS}
    found = train_arms(arms, settings, what="four residual nets")
    return Outcome(
        claims=_claims({name: np.asarray(c.final) for name, c in found.items()}),
        numbers={
            **{f"accuracy/{name}": float(np.mean(c.final)) for name, c in found.items()},
            **{f"test loss/{name}": float(np.mean(c.final_loss)) for name, c in found.items()},
        },
        pictures=(_scores(found), _masks()),
        series={f"accuracy/{name}": c.series() for name, c in found.items()},
    )


def _claims(final: dict[str, np.ndarray]) -> tuple[Claim, ...]:
    few = {kind: final[f"{kind}, a tenth"] - final["nothing, a tenth"] for kind in KINDS}
    many = {kind: final[f"{kind}, all"] - final["nothing, all"] for kind in KINDS}
    small = "So small a net on so small images has no capacity to spare: it learns more slowly."
    return (
        judge(
            "One can drop blocks, and it will work: the net still learns.",
            source=LECTURE,
            measure="test accuracy with DropBlock, all rows",
            values=final["DropBlock 0.2, all"],
            above=0.85,
        ),
        judge(
            "... and it helps: DropBlock on few rows.",
            source=LECTURE,
            measure="gain in test accuracy by DropBlock, a tenth of the rows",
            values=few["DropBlock 0.2"],
            above=0.0,
            if_refuted=small,
            if_not_settled=small,
        ),
        judge(
            "... and it helps: stochastic depth on few rows.",
            source="002, DropBlock (the link to Huang et al. 2016)",
            measure="gain in test accuracy by stochastic depth, a tenth of the rows",
            values=few["stochastic depth 0.3"],
            above=0.0,
            if_refuted="Four blocks are not deep; the paper's gain is that of more than fifty.",
            if_not_settled="Four blocks are not deep; the paper's gain is that of more than fifty.",
        ),
        judge(
            "Which way of dropping works differs with the task: blocks against single values.",
            source=LECTURE,
            measure="test accuracy, all rows: DropBlock minus dropout of the same rate",
            values=many["DropBlock 0.2"] - many["dropout 0.2"],
            above=0.0,
            if_refuted=small,
        ),
    )


def _scores(found: dict[str, Curves]) -> Picture:
    dropped, kept = (
        np.asarray(found[f"{kind}, a tenth"].final) for kind in ("DropBlock 0.2", "nothing")
    )
    gain = float(dropped.mean() - kept.mean())
    drawn, axes = figure(
        f"On few rows DropBlock {toll(-gain)}, where seeds differ by {points(float(np.ptp(kept)))}",
        "Test accuracy of a residual net of four blocks; a dot is a seed, the bar their mean.",
        columns=2,
        height=2.8,
        sharey=True,
    )
    colours = {kind: COLOURS[shade] for kind, shade in SHADES.items()}
    for panel, rows in zip(axes[0], ROWS, strict=True):
        dots(panel, {kind: found[f"{kind}, {rows}"].final for kind in KINDS}, colours=colours)
        title_panel(panel, f"{rows} of the training rows", x="test accuracy")
    return Picture("scores", drawn, "Accuracy by way of dropping, on few and on all rows.")


def _masks() -> Picture:
    drawn, axes = figure(
        "Dropout takes single values, DropBlock whole neighbourhoods, stochastic depth all or none",
        "Masks at a rate of 0.3 on maps of 16 x 16, of four rows; dark is dropped.",
        rows=3,
        columns=4,
        width=7.5,
        height=5.6,
    )
    ones = torch.ones(4, 1, 16, 16)
    kinds = (nn.Dropout(0.3), DropBlock2d(0.3, 5), StochasticDepth(0.3))
    names = ("dropout", "DropBlock", "stochastic depth")
    with seeded(7):
        for line, (name, module) in enumerate(zip(names, kinds, strict=True)):
            kept = module.train()(ones)[:, 0] > 0
            for panel, mask in zip(axes[line], kept, strict=True):
                heat(panel, 1 - mask.float(), rows=(), columns=(), text="", low=0, high=1.2)
                panel.set(xticks=[], yticks=[], aspect="equal")
            title_panel(axes[line, 0], name)
    return Picture("masks", drawn, "What dropout, DropBlock and stochastic depth drop.")
