"""BatchNorm and dropout: the order, and both at once.

:number: 13
:question: Does dropout before BatchNorm shift its statistics, and should one use both?
:source: lecture 002, "Batch Normalization before or after Dropout"; lecture 000, "Advice"
:minutes: 0.5

Dropout makes the variance of a unit larger in training than in evaluation, where nothing is
dropped. A BatchNorm behind it keeps the larger variance and then divides by it: the variance shift
of Li et al. 2018 (arXiv 1801.05134). The lecture calls this order "bad" and BatchNorm before
dropout "better", although a dropout further below still shifts; and it advises to use only one of
the two. Nets of three layers of 100 ReLUs are trained with SGD at 0.1 and dropout at 0.5.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, dots, figure, title_panel
from torchclinic.nn.nets import MLP

LECTURE = "002, Batch Normalization before or after Dropout"
P = 0.5
NETS: dict[str, dict[str, Any]] = {
    "neither": {},
    "dropout": {"dropout": P},
    "BatchNorm": {"norm": "batch"},
    "BatchNorm, then dropout": {"norm": "batch", "dropout": P},
    "dropout, then BatchNorm": {
        "norm": "batch",
        "dropout": P,
        "order": ("activation", "dropout", "norm"),
    },
}
ORDERS = tuple(NETS)[3:]
SHADES: dict[str, str] = dict(
    zip(NETS, ("grey", "ochre", "green", "blue", "vermilion"), strict=True)
)


def recipe(settings: Settings, name: str) -> tc.Recipe:
    """One of the nets."""
    return tc.Recipe(
        model=partial(MLP, pixels(settings), 3, init="he", **NETS[name]),
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=0.1),
        batch_size=32,
        epochs=epochs(settings, mnist=3, digits=60),
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """Five nets over the seeds; then the statistics inside two of them."""
    arms = {name: recipe(settings, name) for name in NETS}
    found = train_arms(arms, settings, what="five nets", end=0.9, keep_models=True)
    settings.tell(0.9, "statistics inside of them")
    shifts = {
        name: np.array([variance_shift(settings, model) for model in found[name].models])
        for name in ORDERS
    }
    return Outcome(
        claims=_claims(found, shifts),
        numbers={
            **{f"accuracy/{name}": float(np.mean(c.final)) for name, c in found.items()},
            **{f"loss/{name}": float(np.mean(c.final_loss)) for name, c in found.items()},
            **{
                f"variance shift/{name}/layer {place + 1}": float(value)
                for name, values in shifts.items()
                for place, value in enumerate(values.mean(axis=0))
            },
        },
        pictures=(_shifts(shifts), _scores(found)),
        series={f"loss/{name}": c.series("loss") for name, c in found.items()},
    )


def variance_shift(settings: Settings, model: nn.Module) -> list[float]:
    """Kept variance over the one met in evaluation, by BatchNorm layer; the median over units."""
    ratios: list[float] = []

    def compare(norm: nn.Module, args: tuple[Tensor, ...]) -> None:
        met = args[0].var(dim=0)
        alive = met > 1e-6  # of a unit that is always 0 there is nothing to compare
        kept = norm.get_buffer("running_var")
        ratios.append(float((kept[alive] / met[alive]).median()))

    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.register_forward_pre_hook(compare)
    with torch.no_grad():
        model(images(settings).train[0])
    return ratios


def _claims(found: dict[str, Curves], shifts: dict[str, np.ndarray]) -> tuple[Claim, ...]:
    loss = {name: np.asarray(curve.final_loss) for name, curve in found.items()}
    accuracy = {name: np.asarray(curve.final) for name, curve in found.items()}
    first, second = ORDERS
    return (
        judge(
            "BatchNorm after dropout keeps a variance that is not the one of evaluation.",
            source=LECTURE,
            measure="kept over met variance, largest of the three layers",
            values=shifts[second].max(axis=1),
            above=1.5,
        ),
        judge(
            "BatchNorm before dropout: the influence is smaller.",
            source=LECTURE,
            measure="variance shift of the wrong order over that of the right one (largest layer)",
            values=shifts[second].max(axis=1) / shifts[first].max(axis=1),
            above=1.0,
        ),
        judge(
            "But where there is dropout further below, the values may be shifted all the same.",
            source=LECTURE,
            measure="kept over met variance with BatchNorm first, layers 2 and 3",
            values=shifts[first][:, 1:].mean(axis=1),
            above=1.05,
        ),
        judge(
            "So BatchNorm after dropout is worse.",
            source=LECTURE,
            measure="test loss: dropout first minus BatchNorm first",
            values=loss[second] - loss[first],
            above=0.0,
        ),
        judge(
            "Use only one of them: dropout can do harm to a net with BatchNorm.",
            source=f"{LECTURE}; 000, Advice",
            measure="test accuracy: BatchNorm alone minus BatchNorm, then dropout",
            values=accuracy["BatchNorm"] - accuracy[first],
            above=0.0,
            if_not_settled="On these data BatchNorm alone already generalises; dropout in the right"
            " order neither helps nor harms beyond what seeds do.",
        ),
    )


def _shifts(shifts: dict[str, np.ndarray]) -> Picture:
    worst = {name: values.mean(axis=0).max() for name, values in shifts.items()}
    drawn, axes = figure(
        f"Dropout in front of BatchNorm: it divides by a variance up to {worst[ORDERS[1]]:.1f} "
        f"times too large; behind it, {worst[ORDERS[0]]:.1f} times",
        "Variance that BatchNorm has kept over the one that it meets in evaluation, median over "
        "the units; a dot is a seed.",
        columns=2,
        height=2.8,
        sharex=True,
        sharey=True,
    )
    for panel, name in zip(axes[0], ORDERS, strict=True):
        rows = {f"layer {i + 1}": shifts[name][:, i].tolist() for i in range(3)}
        dots(panel, rows, colours=dict.fromkeys(rows, COLOURS[SHADES[name]]), text="{:.2f}")
        panel.axvline(1, color=COLOURS["grey"], lw=1, ls=":")
        title_panel(panel, name, x="kept variance / met variance")
    return Picture("variance-shift", drawn, "The variance shift by layer in both orders.")


def _scores(found: dict[str, Curves]) -> Picture:
    mean = {name: float(np.mean(curve.final)) for name, curve in found.items()}
    best = max(mean, key=lambda name: mean[name])
    drawn, axes = figure(
        f"Best: {best}, {mean[best]:.1%}; dropout in front of BatchNorm: {mean[ORDERS[1]]:.1%}",
        "Test accuracy and loss after training; a dot is a seed, the bar their mean.",
        columns=2,
        height=3.2,
        sharey=True,
    )
    colours = {name: COLOURS[shade] for name, shade in SHADES.items()}
    dots(axes[0, 0], {n: c.final for n, c in found.items()}, colours=colours)
    dots(axes[0, 1], {n: c.final_loss for n, c in found.items()}, colours=colours)
    title_panel(axes[0, 0], "test accuracy")
    title_panel(axes[0, 1], "test loss")
    return Picture("scores", drawn, "Accuracy and loss of the five nets.")
