"""BatchNorm: faster convergence and a wider range of learning rates.

:number: 13
:question: Does a sigmoid net with BatchNorm learn faster, bear larger learning rates, and train
    where the same net without it does not?
:source: lecture 000, BatchNormalization, "An example of its work"
:minutes: 7.1

The lecture lists three things that BatchNorm brings. They are measured on its own net: hidden
layers of 100 sigmoid units, Xavier start, SGD, batches of 32. Three layers are the lecture's net,
eight are the deep one that "without BatchNorm would not have trained at all". Each net is trained
at learning rates from 1e-4, the lecture's first, over 1e-2, its second, to 10.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from torch import nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, band, figure, label_ends, title_panel
from torchclinic.nn.nets import MLP

LECTURE = "000, BatchNormalization"
RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
DEPTHS = (3, 8)
LEARNT = 0.85  # accuracy at which a net counts as trained; chance is 0.1


def recipe(settings: Settings, depth: int, norm: str | None, rate: float) -> tc.Recipe:
    """The lecture's net with or without BatchNorm at a learning rate."""
    net = partial(MLP, pixels(settings), depth, activation="sigmoid", norm=norm, init="xavier")
    return tc.Recipe(
        name=_name(depth, norm, rate),
        model=partial(net, bias=norm is None),
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=rate),
        batch_size=32,
        epochs=epochs(settings),
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """Both nets at both depths over all learning rates."""
    cells = [(d, n, r) for d in DEPTHS for n in (None, "batch") for r in RATES]
    arms = {_name(*cell): recipe(settings, *cell) for cell in cells}
    found = train_arms(arms, settings, what="nets with and without BatchNorm")
    finals = {cell: np.nan_to_num(found[_name(*cell)].final, nan=0.1) for cell in cells}
    return Outcome(
        claims=_claims(finals),
        numbers={f"accuracy/{_name(*c)}": float(v.mean()) for c, v in finals.items()},
        pictures=(_ranges(finals), _curves(found)),
        series={f"accuracy/{name}": curve.series() for name, curve in found.items()},
    )


def _claims(finals: dict[tuple, np.ndarray]) -> tuple[Claim, ...]:
    def best(depth: int, norm: str | None) -> np.ndarray:
        return np.max([finals[depth, norm, rate] for rate in RATES], axis=0)

    def decades(norm: str | None) -> np.ndarray:
        """How many of the rates train the net of three layers, by seed."""
        return np.sum([finals[3, norm, rate] > LEARNT for rate in RATES], axis=0)

    faster = finals[3, "batch", 1e-2] - finals[3, None, 1e-2]
    return (
        judge(
            "Nets with BatchNorm converge faster than those without.",
            source=LECTURE,
            measure="gain in test accuracy by BatchNorm at the lecture's 1e-2, 3 layers",
            values=faster,
            above=0.0,
        ),
        judge(
            "They work with a higher learning rate ...",
            source=LECTURE,
            measure=f"rates of the six that reach {LEARNT}: with BatchNorm minus without",
            values=decades("batch") - decades(None),
            above=0.0,
            unit="decades",
        ),
        judge(
            "... and that gives better results: 1e-2 instead of 1e-4.",
            source=LECTURE,
            measure="test accuracy with BatchNorm, 3 layers: at 1e-2 minus at 1e-4",
            values=finals[3, "batch", 1e-2] - finals[3, "batch", 1e-4],
            above=0.0,
        ),
        judge(
            "BatchNorm lets a deep net work even with sigmoids.",
            source=LECTURE,
            measure="test accuracy of 8 sigmoid layers with BatchNorm at its best rate",
            values=best(8, "batch"),
            above=LEARNT,
        ),
        judge(
            "Without BatchNorm such a net would not have trained at all: 8 layers.",
            source=LECTURE,
            measure="test accuracy of 8 sigmoid layers without it at its best rate",
            values=best(8, None),
            below=0.3,
        ),
        judge(
            "Without BatchNorm such a net would not have trained at all: the lecture's 3 layers.",
            source=LECTURE,
            measure="test accuracy of 3 sigmoid layers without it at its best rate",
            values=best(3, None),
            below=0.3,
            if_refuted="Three layers learn without BatchNorm at a learning rate of 1, which the "
            "lecture did not try: its 1e-3 is a thousand times too small for this net.",
        ),
    )


def _ranges(finals: dict[tuple, np.ndarray]) -> Picture:
    wide = {n: sum(finals[3, n, r].mean() > LEARNT for r in RATES) for n in (None, "batch")}
    drawn, axes = figure(
        f"With BatchNorm {wide['batch']} of {len(RATES)} learning rates train three sigmoid "
        f"layers, without it {wide[None]}",
        "Test accuracy after training, by learning rate; band: lowest to highest seed.",
        columns=2,
        sharey=True,
    )
    axes[0, 0].set_ylim(0, 1)
    for panel, depth in zip(axes[0], DEPTHS, strict=True):
        for norm, name, shade in (("batch", "BatchNorm", "blue"), (None, "without", "vermilion")):
            rows = np.stack([finals[depth, norm, rate] for rate in RATES], axis=1)
            band(panel, RATES, rows, label=name, color=COLOURS[shade], marker="o", ms=5)
        panel.set_xscale("log")
        panel.axhline(0.1, color=COLOURS["grey"], lw=1, ls=":", zorder=0)
        title_panel(panel, f"{depth} hidden layers", x="learning rate of SGD", y="test accuracy")
        label_ends(panel)
    return Picture("rates", drawn, "Usable learning rates with and without BatchNorm.")


def _curves(found: dict[str, Curves]) -> Picture:
    drawn, (axes,) = figure(
        "BatchNorm learns at rates at which the plain sigmoid net stands still",
        "Test accuracy of three sigmoid layers during training; band: lowest to highest seed.",
        columns=2,
        sharey=True,
    )
    axes[0].set_ylim(0, 1)
    for panel, rate in zip(axes, (1e-2, 1e-1), strict=True):
        for norm, name, shade in (("batch", "BatchNorm", "blue"), (None, "without", "vermilion")):
            curve = found[_name(3, norm, rate)]
            band(panel, curve.steps, curve.metric, label=name, color=COLOURS[shade])
        title_panel(panel, f"learning rate {rate:g}", x="update", y="test accuracy")
        label_ends(panel)
    return Picture("curves", drawn, "Test accuracy over the training at 1e-2 and 0.1.")


def _name(depth: int, norm: str | None, rate: float) -> str:
    return f"{depth} layers, {'BatchNorm' if norm else 'without'}, {rate:g}"
