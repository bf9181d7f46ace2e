"""Normalising without gamma and beta: does it make a sigmoid net linear?

:number: 13
:question: Does normalisation by the batch statistics alone turn a net of sigmoids into a single
    linear layer?
:source: lecture 000, Internal covariate shift, "A bad way to fight it"
:minutes: 0.3

The lecture's bad variant normalises every feature by the mean and the deviation of the batch and
stops there, without BatchNorm's gamma and beta. Its objection: inputs of mean 0 and deviation 1
meet the sigmoid where it is nearly straight, so the layers lose their activation and "everything
degenerates into a net of one layer".

The first half is a number: the share of the sigmoid's variance under N(0, 1) that a straight line
explains. For the second half the net has to solve what no linear net can: two interleaved moons and
a circle inside a circle. Hidden layers of 100 sigmoids, Adam at 1e-2, are compared with the same
net with gamma and beta, and with the same net without its sigmoids, at two depths.

The two tasks differ in one thing. The moons are each other's mirror image through the centre, so an
odd function tells them apart; the circles need an even one. Without beta every layer is centred,
and sigmoid(z) - 1/2 is odd, so that the whole net is an odd function plus a constant.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Adam

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import train_arms
from torchclinic.gallery.style import COLOURS, band, figure, label_ends, title_panel
from torchclinic.nn.nets import MLP
from torchclinic.nn.normalisation import StatisticsOnlyBatchNorm1d

LECTURE = "000, A bad way to fight it"
NETS: dict[str, tuple[str | None, Any]] = {
    "with gamma and beta": ("sigmoid", "batch"),
    "statistics only": ("sigmoid", StatisticsOnlyBatchNorm1d),
    "no sigmoids": (None, "batch"),
}
SHADES: dict[str, str] = dict(zip(NETS, ("blue", "vermilion", "grey"), strict=True))
DEPTHS = (1, 3)
SPREADS = (0.5, 1.0, 2.0, 4.0, 8.0)


def straight_share(spread: float) -> float:
    """Share of the variance of sigmoid(z), z from N(0, spread^2), that a straight line explains.

    >>> round(straight_share(1.0), 3)
    0.984
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    weights = weights / weights.sum()
    value = 1 / (1 + np.exp(-spread * nodes)) - 0.5
    return float((weights @ (value * nodes)) ** 2 / (weights @ value**2))


TASKS = {"moons": tc.data.moons, "circles": tc.data.circles}


def recipe(task: str, kind: str, depth: int, epochs: int) -> tc.Recipe:
    """One of the nets on one of the tasks."""
    activation, norm = NETS[kind]
    return tc.Recipe(
        model=partial(MLP, 2, depth, 100, 2, activation=activation, norm=norm),
        data=TASKS[task](1000, seed=0),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(Adam, lr=1e-2),
        batch_size=128,
        epochs=epochs,
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """The straight share by spread, and what each net makes of the two tasks."""
    epochs = settings.pick(200, 50)
    cells = [(task, kind, depth) for task in TASKS for kind in NETS for depth in DEPTHS]
    arms = {_name(*cell): recipe(*cell, epochs) for cell in cells}
    found = train_arms(arms, settings, what="nets on moons and circles")
    final = {cell: np.asarray(found[_name(*cell)].final) for cell in cells}
    shares = {spread: straight_share(spread) for spread in SPREADS}
    return Outcome(
        claims=_claims(final, shares),
        numbers={
            **{f"straight share/N(0, {s:g}^2)": share for s, share in shares.items()},
            **{f"accuracy/{_name(*c)}": float(values.mean()) for c, values in final.items()},
        },
        pictures=(_tasks(final), _sigmoid()),
        series={f"accuracy/{name}": c.series() for name, c in found.items()},
    )


def _claims(
    final: dict[tuple[str, str, int], np.ndarray], shares: dict[float, float]
) -> tuple[Claim, ...]:
    bare, linear = "statistics only", "no sigmoids"
    gain = {d: final["moons", bare, d] - final["moons", linear, d] for d in DEPTHS}
    return (
        judge(
            "Normalised inputs fall into the linear region of the sigmoid.",
            source=LECTURE,
            measure="share of the variance of sigmoid(z), z from N(0, 1), on a straight line",
            values=shares[1.0],
            above=0.95,
        ),
        judge(
            "So the layer has in fact no activation: one hidden layer.",
            source=LECTURE,
            measure="accuracy on the moons: statistics only minus no sigmoids, 1 layer",
            values=gain[1],
            below=0.03,
        ),
        judge(
            "So everything degenerates into a net of one layer: three hidden layers.",
            source=LECTURE,
            measure="accuracy on the moons: statistics only minus no sigmoids, 3 layers",
            values=gain[3],
            below=0.03,
            if_refuted="The next layer's weights subtract the straight parts of its hundred units "
            "from each other and keep the 1.6 % that bend; normalisation makes what is left large "
            "again, so that the bends add up with depth.",
        ),
        judge(
            "(Not in the lecture:) without beta the net is odd and cannot tell the circles apart.",
            source="besides 000: sigmoid(z) - 1/2 is odd, and every layer is centred",
            measure="accuracy on the circles, statistics only, 3 layers",
            values=final["circles", bare, 3],
            below=0.6,
        ),
        judge(
            "Gamma and beta let the net move out of that region.",
            source="000, BatchNormalization",
            measure="accuracy on the circles: with gamma and beta minus without, 3 layers",
            values=final["circles", "with gamma and beta", 3] - final["circles", bare, 3],
            above=0.0,
        ),
    )


def _tasks(final: dict[tuple[str, str, int], np.ndarray]) -> Picture:
    bare = {d: final["moons", "statistics only", d].mean() for d in DEPTHS}
    linear = final["moons", "no sigmoids", 3].mean()
    drawn, axes = figure(
        f"Without gamma and beta one sigmoid layer is as good as linear ({bare[1]:.0%} on the "
        f"moons), three are not ({bare[3]:.0%}; linear: {linear:.0%})",
        "Test accuracy by depth; band: lowest to highest seed. The circles need an even function, "
        "and a net of centred sigmoids without beta is odd.",
        columns=2,
        sharey=True,
    )
    axes[0, 0].set_ylim(0.4, 1.02)
    for panel, task in zip(axes[0], TASKS, strict=True):
        for kind in NETS:
            rows = np.stack([final[task, kind, depth] for depth in DEPTHS], axis=1)
            places = range(len(DEPTHS))
            band(panel, places, rows, label=kind, color=COLOURS[SHADES[kind]], marker="o", ms=5)
        panel.set_xticks(range(len(DEPTHS)), [str(depth) for depth in DEPTHS])
        title_panel(panel, task, x="hidden layers", y="test accuracy")
        label_ends(panel)
    return Picture("tasks", drawn, "Test accuracy on two moons and on two circles by depth.")


def _name(task: str, kind: str, depth: int) -> str:
    return f"{task}, {kind}, {depth} layers"


def _sigmoid() -> Picture:
    drawn, (axes,) = figure(
        f"Where N(0, 1) meets it, the sigmoid is {straight_share(1.0):.1%} a straight line",
        "Left: the sigmoid (blue), the best line under N(0, 1) (dashed) and that density (grey). "
        "Right: the share of the variance that the best line explains, by the spread of the input.",
        columns=2,
        height=3.6,
    )
    z = torch.linspace(-6, 6, 241)
    density = torch.exp(-z.square() / 2)
    slope = 0.2066  # E[z sigmoid(z)] for z from N(0, 1)
    axes[0].fill_between(z, 0, 0.9 * density, color=COLOURS["grey"], alpha=0.18, lw=0)
    axes[0].plot(z, z.sigmoid(), color=COLOURS["blue"])
    axes[0].plot(z, 0.5 + slope * z, color=COLOURS["vermilion"], ls="--")
    axes[0].set_ylim(-0.05, 1.05)
    title_panel(axes[0], "the sigmoid and its line", x="input z", y="sigmoid(z)")
    spreads = np.linspace(0.25, 8, 60)
    axes[1].plot(spreads, [straight_share(s) for s in spreads], color=COLOURS["blue"])
    axes[1].plot([1], [straight_share(1.0)], "o", color=COLOURS["vermilion"], ms=7)
    title_panel(axes[1], "straight share", x="standard deviation of z", y="share of the variance")
    return Picture("sigmoid", drawn, "The sigmoid under a normal input and its straight share.")
