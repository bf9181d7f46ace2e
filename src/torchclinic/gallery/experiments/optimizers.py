"""Optimizers side by side, each at its own learning rate.

:number: 16
:question: Which optimizer brings the lecture's net down fastest, when each gets a rate of its own?
:source: lecture 000, "Optimisation of the weights" and "Comparison of the optimizers"; lecture 003,
    "Adaptive choice of the learning rate"
:minutes: 0.5

The net is the lecture's three layers of 100 sigmoids with BatchNorm, batches of 32. For each
optimizer an LR range test suggests a rate (the valley); the training is run at that rate, at four
and at sixteen times it, and the best one counts.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from torch import nn

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import images, pixels
from torchclinic.gallery.style import COLOURS, band, dots, figure, label_ends, title_panel
from torchclinic.nn.nets import MLP
from torchclinic.optim import OPTIMIZERS, make

LECTURE = "000, Comparison of the optimizers"
PLAIN: tuple[str, ...] = ("sgd", "momentum", "nesterov")
ADAPTIVE: tuple[str, ...] = ("adagrad", "rmsprop", "adam", "adamw", "adabelief")
SHADES: dict[str, str] = dict(
    zip(
        (*PLAIN, *ADAPTIVE),
        ("grey", "black", "purple", "ochre", "green", "blue", "rose", "vermilion"),
        strict=True,
    )
)
TIMES = (1.0, 4.0, 16.0)
FALLBACK = 0.01  # where the range test suggests nothing
Found = dict[str, Curves]


def recipe(settings: Settings, name: str, rate: float) -> tc.Recipe:
    """The net with an optimizer at a rate."""
    net = partial(MLP, pixels(settings), 3, activation="sigmoid", norm="batch", init="xavier")
    return tc.Recipe(
        name=name,
        model=partial(net, bias=False),
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=make(name, lr=rate),
        batch_size=32,
        steps=settings.pick(1500, 200),
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """A range test each, then the trainings."""
    rates = {}
    for place, name in enumerate(SHADES):
        settings.tell(0.3 * place / len(SHADES), f"LR range test of {name}")
        found = tc.lr_range_test(recipe(settings, name, 1e-3), seeds=1, low=1e-5, high=10.0)
        rates[name] = found.suggestion or FALLBACK
    arms = {
        f"{name} x {times:g}": recipe(settings, name, times * rates[name])
        for name in SHADES
        for times in TIMES
    }
    trained = train_arms(arms, settings, what="eight optimizers", start=0.3)
    best, chosen = {}, {}
    for name in SHADES:
        times = min(TIMES, key=lambda t, name=name: _score(trained[f"{name} x {t:g}"]).mean())
        best[name], chosen[name] = trained[f"{name} x {times:g}"], times * rates[name]
    return Outcome(
        claims=_claims(best),
        numbers={
            **{f"learning rate/{name}": float(rate) for name, rate in chosen.items()},
            **{f"mean training loss/{name}": float(_score(c).mean()) for name, c in best.items()},
            **{f"accuracy/{name}": float(np.mean(c.final)) for name, c in best.items()},
            **{f"numbers kept for a weight/{name}": OPTIMIZERS[name].memory for name in best},
        },
        pictures=(_curves(best), _table(best, chosen)),
        series={f"accuracy/{name}": c.series() for name, c in best.items()},
    )


def _score(curve: Curves) -> np.ndarray:
    """Mean training loss over all updates: small for a fast descent, huge where it diverged."""
    losses = np.nan_to_num(curve.train_loss, nan=np.inf)
    return np.minimum(losses.mean(axis=1), 1e6)


def _claims(best: Found) -> tuple[Claim, ...]:
    score = {name: _score(curve) for name, curve in best.items()}
    adaptive = np.mean([score[name] for name in ADAPTIVE], axis=0)
    plain = np.mean([score[name] for name in PLAIN], axis=0)
    rival = min((name for name in score if name != "adam"), key=lambda name: score[name].mean())
    return (
        judge(
            "SGD simply converges more slowly.",
            source="000, SGD",
            measure="mean training loss: SGD minus Adam",
            values=score["sgd"] - score["adam"],
            above=0.0,
            if_refuted="At its own rate SGD is as fast on this net: BatchNorm has done what the "
            "adaptive rates would do.",
            if_not_settled="At its own rate SGD is about as fast on this net.",
        ),
        judge(
            "With momentum we reach the minimum faster.",
            source="000, Momentum",
            measure="mean training loss: SGD minus momentum",
            values=score["sgd"] - score["momentum"],
            above=0.0,
            if_not_settled="At a rate of its own each is about as fast: a momentum of 0.9 is much "
            "like ten times the rate.",
            if_refuted="At a rate of its own each is about as fast: a momentum of 0.9 is much like "
            "ten times the rate.",
        ),
        judge(
            "Methods with adaptive rates converge faster.",
            source=LECTURE,
            measure="mean training loss: mean of SGD, momentum, Nesterov minus mean of the five "
            "adaptive",
            values=plain - adaptive,
            above=0.0,
            if_refuted="Once every method has the rate that its range test suggests, little is "
            "left for adaptive rates to gain on a net with BatchNorm.",
        ),
        judge(
            "Adam is on average the most successful method in practice.",
            source="003, Adaptive choice of the learning rate",
            measure="mean training loss: Adam minus the best of the other seven",
            values=score["adam"] - score[rival],
            below=0.0,
            reason="One net on one data set: the lecture speaks of the average over many.",
            if_refuted=f"Here {rival} is faster.",
            if_not_settled=f"Here {rival} is about as fast.",
        ),
        judge(
            "Adaptive optimizers need more memory.",
            source="000, Interaction of learning schedule and adaptive rates",
            measure="numbers kept for a weight: Adam minus SGD with momentum",
            values=OPTIMIZERS["adam"].memory - OPTIMIZERS["momentum"].memory,
            above=0.0,
        ),
    )


def _curves(best: Found) -> Picture:
    order = sorted(best, key=lambda name: _score(best[name]).mean())
    drawn, axes = figure(
        f"Fastest here: {order[0]}; slowest: {order[-1]}",
        "Training loss (mean over blocks of updates) of the lecture's BatchNorm net, every "
        "optimizer at its own rate; band: lowest to highest seed.",
        height=5.0,
    )
    panel = axes[0, 0]
    for name in order:
        losses = best[name].train_loss
        block = max(1, losses.shape[1] // 25)
        whole = losses[:, : losses.shape[1] // block * block]
        rows = whole.reshape(len(whole), -1, block).mean(axis=2)
        x = block * (np.arange(rows.shape[1]) + 0.5)
        band(panel, x, rows, label=name, color=COLOURS[SHADES[name]], lw=1.7)
    panel.set_yscale("log")
    title_panel(panel, "", x="update", y="training loss")
    label_ends(panel)
    return Picture("curves", drawn, "Training loss of eight optimizers.")


def _table(best: Found, chosen: dict[str, float]) -> Picture:
    mean = {name: float(np.mean(c.final)) for name, c in best.items()}
    spread = max(mean.values()) - min(mean.values())
    drawn, axes = figure(
        f"At rates of their own the eight end within {100 * spread:.1f} points of each other",
        "Final test accuracy and mean training loss; a dot is a seed. Beside the names: the rate "
        "and the numbers kept for a weight.",
        columns=2,
        height=3.8,
        sharey=True,
    )
    names = {
        n: f"{n}  ({chosen[n]:.2g}; {OPTIMIZERS[n].memory:g})"
        for n in sorted(best, key=lambda n: -mean[n])
    }
    colours = {label: COLOURS[SHADES[n]] for n, label in names.items()}
    dots(axes[0, 0], {label: best[n].final for n, label in names.items()}, colours=colours)
    scores = {label: _score(best[n]).tolist() for n, label in names.items()}
    dots(axes[0, 1], scores, colours=colours)
    title_panel(axes[0, 0], "final test accuracy")
    title_panel(axes[0, 1], "mean training loss")
    return Picture("table", drawn, "Accuracy, speed, rate and memory of eight optimizers.")
