"""BatchNorm and the size of the batch.

:number: 13
:question: Does BatchNorm work the worse, the smaller the batch?
:source: lecture 000, "Advice on using BatchNormalization"
:minutes: 2.6

"The smaller the batch in training, the worse BatchNorm will work." Nets of three hidden layers of
100 ReLUs are trained with and without BatchNorm in batches from 2 to 128 for the same number of
passes over the data; the learning rate grows with the batch (0.05 at 32 rows), so that the batch
is what differs and not the length of the way.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from torch import nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, band, figure, label_ends, title_panel
from torchclinic.nn.nets import MLP

LECTURE = "000, Advice on using BatchNormalization"
SIZES = (2, 4, 8, 32, 128)
RATE, RATE_ROWS = 0.05, 32
KINDS = {"BatchNorm": "batch", "without": None}
Accuracies = dict[tuple[str, int], np.ndarray]


def recipe(settings: Settings, norm: str | None, rows: int) -> tc.Recipe:
    """The net at a batch size."""
    return tc.Recipe(
        model=partial(MLP, pixels(settings), 3, norm=norm, init="he", bias=norm is None),
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=RATE * rows / RATE_ROWS),
        batch_size=rows,
        epochs=epochs(settings, mnist=2, digits=20),
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """Both nets at all sizes."""
    arms = {
        _name(kind, rows): recipe(settings, norm, rows)
        for kind, norm in KINDS.items()
        for rows in SIZES
    }
    found = train_arms(arms, settings, what="nets at five batch sizes")
    final = {(k, n): np.asarray(found[_name(k, n)].final) for k in KINDS for n in SIZES}
    train = {(k, n): _train_loss(found[_name(k, n)].train_loss, n) for k in KINDS for n in SIZES}
    return Outcome(
        claims=_claims(final),
        numbers={f"accuracy/{_name(*c)}": float(v.mean()) for c, v in final.items()}
        | {f"training loss/{_name(*c)}": float(v.mean()) for c, v in train.items()},
        pictures=(_sizes(final, train),),
        series={f"accuracy/{name}": curve.series() for name, curve in found.items()},
    )


def _train_loss(losses: np.ndarray, rows: int) -> np.ndarray:
    """Mean training loss of the last 1,024 rows, by seed."""
    return losses[:, -max(1, 1024 // rows) :].mean(axis=1)


def _claims(final: Accuracies) -> tuple[Claim, ...]:
    gain = {rows: final["BatchNorm", rows] - final["without", rows] for rows in SIZES}
    return (
        judge(
            "The smaller the batch, the worse BatchNorm works: 2 rows against 32.",
            source=LECTURE,
            measure="test accuracy with BatchNorm at 32 rows minus at 2 rows",
            values=final["BatchNorm", 32] - final["BatchNorm", 2],
            above=0.0,
            reason="Mean and deviation of two rows say little of the rest: with two rows every "
            "unit is +1 in one of them and -1 in the other.",
        ),
        judge(
            "With small batches it does harm.",
            source=LECTURE,
            measure="gain by BatchNorm in test accuracy at 2 rows",
            values=gain[2],
            below=0.0,
        ),
        judge(
            "Already a batch of 8 is too small.",
            source=LECTURE,
            measure="test accuracy with BatchNorm at 32 rows minus at 8 rows",
            values=final["BatchNorm", 32] - final["BatchNorm", 8],
            above=0.005,
            if_refuted="From about 8 rows on the size hardly matters here; the loss of accuracy is "
            "that of very small batches.",
            if_not_settled="At 8 rows little is lost; the loss is that of very small batches.",
        ),
        judge(
            "The batch size matters through BatchNorm: without it, 2 rows do as well as 32.",
            source=LECTURE,
            measure="test accuracy without BatchNorm at 32 rows minus at 2 rows",
            values=final["without", 32] - final["without", 2],
            above=-0.05,
            below=0.05,
        ),
    )


def _sizes(final: Accuracies, train: Accuracies) -> Picture:
    two, many = final["BatchNorm", 2].mean(), final["BatchNorm", 32].mean()
    drawn, axes = figure(
        f"BatchNorm in batches of 2 rows: {two:.0%} instead of {many:.0%}",
        "Three layers of 100 ReLUs, the learning rate in proportion to the batch; "
        "band: lowest to highest seed.",
        columns=2,
    )
    for panel, table, title in zip(
        axes[0], (final, train), ("test accuracy", "training loss"), strict=True
    ):
        for kind, shade in zip(KINDS, ("blue", "vermilion"), strict=True):
            rows = np.stack([table[kind, size] for size in SIZES], axis=1)
            band(panel, SIZES, rows, label=kind, color=COLOURS[shade], marker="o", ms=5)
        panel.set_xscale("log", base=2)
        panel.set_xticks(SIZES, [str(size) for size in SIZES])
        title_panel(panel, title, x="rows in a batch")
        label_ends(panel)
    return Picture("sizes", drawn, "Accuracy and training loss by batch size.")


def _name(kind: str, rows: int) -> str:
    return f"{kind}, batches of {rows}"
