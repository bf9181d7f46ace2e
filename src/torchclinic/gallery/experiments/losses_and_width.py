"""Losses by margin, and how many units a function needs.

:number: 22
:question: How do the losses of classification differ, and does one wide layer approximate all?
:source: 003, "Setting of the optimisation problem" and "Universal approximation theorem"
:minutes: 0.7

0-1, hinge, logistic and exponential loss are drawn against the margin, and a linear classifier is
trained with each that has a gradient, with and without wrong labels. Then one hidden layer of 1 to
256 tanh units approximates a continuous function, and nets of one to three hidden layers with as
many parameters are compared, for the lecture says that one layer may need very many units and that
therefore several layers are used.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch
from matplotlib.ticker import NullLocator
from torch import Tensor, nn

import torchclinic as tc
from torchclinic import optim
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.style import COLOURS, band, dots, figure, title_panel
from torchclinic.nn.losses import MARGIN_LOSSES, margin_curves
from torchclinic.nn.nets import MLP
from torchclinic.training import train

LOSS_PLACE, WIDTH_PLACE = "003, Setting of the problem", "003, Universal approximation theorem"
WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
DEPTHS = {"one layer": (130,), "two layers": (18, 18), "three layers": (13, 13, 13)}
NOISE = 0.1  # share of labels that are wrong


def run(settings: Settings) -> Outcome:
    """Losses first, then width, then depth."""
    settings.tell(0.0, "losses")
    trainable = [name for name in MARGIN_LOSSES if name != "zero-one"]
    linear = {
        (name, wrong): [classifier(name, seed, wrong) for seed in settings.runs]
        for name in trainable
        for wrong in (0.0, NOISE)
    }
    widths = {f"{width} units": approximation(settings, (width,)) for width in WIDTHS}
    by_width = train_arms(widths, settings, what="widths", start=0.2, end=0.6)
    depths = {name: approximation(settings, sizes, wiggles=9) for name, sizes in DEPTHS.items()}
    by_depth = train_arms(depths, settings, what="depths", start=0.6, end=0.95)
    solved = np.array([[least_squares(width, seed) for width in WIDTHS] for seed in settings.runs])
    numbers = {f"accuracy, {n}, {w:.0%} wrong": float(np.mean(v)) for (n, w), v in linear.items()}
    numbers |= {f"error, {name}": rms(arm).mean() for name, arm in by_width.items()}
    numbers |= {f"error, {name}": rms(arm).mean() for name, arm in by_depth.items()}
    return Outcome(
        claims=(*loss_claims(linear), *width_claims(by_width, by_depth, solved)),
        numbers=numbers,
        pictures=(
            loss_picture(),
            width_picture(by_width, by_depth, solved, settings),
            fits_picture(widths),
            noise_picture(linear, settings),
        ),
    )


def target(x: Tensor, wiggles: float = 3.0) -> Tensor:
    """A continuous function on [-1, 1]: waves of growing frequency and a kink."""
    return torch.sin(wiggles * math.pi * x * x.abs()) + 0.5 * (x - 0.2).abs()


def approximation(settings: Settings, sizes: tuple[int, ...], wiggles: float = 3.0) -> tc.Recipe:
    """Fit the function on a grid, full batches, Adam with a cosine schedule."""
    x = torch.linspace(-1, 1, 256)[:, None]
    between = x[:-1] + 1 / 255
    data = tc.Splits(train=(x, target(x, wiggles)), test=(between, target(between, wiggles)))
    return tc.Recipe(
        model=partial(MLP, 1, len(sizes), sizes, 1, activation="tanh"), data=data,
        loss=nn.MSELoss(), optimizer=optim.make("adam", lr=0.01), schedule=optim.cosine(),
        batch_size=None, steps=settings.pick(6000, 800), metric="mse",
    )  # fmt: skip


def rms(arm: Curves) -> np.ndarray:
    """Root mean square error between the points of the grid, by seed."""
    return np.sqrt(np.array(arm.final))


def classifier(name: str, seed: int, wrong: float) -> float:
    """Test accuracy of a linear classifier trained with one loss on clouds with wrong labels."""
    generator = torch.Generator().manual_seed(seed)

    def part(rows: int, share: float) -> tuple[Tensor, Tensor]:
        sign = torch.where(torch.arange(rows) % 2 == 0, 1.0, -1.0)
        x = torch.randn(rows, 2, generator=generator) + sign[:, None] * torch.tensor([1.2, 0.6])
        flipped = torch.rand(rows, generator=generator) < share
        x = torch.where(flipped[:, None], 3 * x, x)  # wrong, and far on the wrong side
        return x, torch.where(flipped, -sign, sign)[:, None]

    recipe = tc.Recipe(
        model=partial(nn.Linear, 2, 1), data=tc.Splits(train=part(200, wrong), test=part(2000, 0)),
        loss=MARGIN_LOSSES[name](), optimizer=optim.make("sgd", lr=0.05), batch_size=None,
        steps=400, metric=tc.Metric("accuracy", sign_accuracy),
    )  # fmt: skip
    last = train(recipe, seed, test=True).history.last("test")
    assert last is not None
    return float(last.metric or 0.0)


def sign_accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Share of scores on the side of their label."""
    return float((outputs * targets > 0).double().mean())


def loss_claims(linear: dict[tuple[str, float], list[float]]) -> list[Claim]:
    """What follows from the curves."""
    m = torch.tensor([-3.0, 0.5, 2.0], dtype=torch.float64)
    zero_one, hinge = (margin_values(name, m) for name in ("zero-one", "hinge"))
    return [
        judge(
            "The binary loss is simple: either 1 or 0 for an answer.",
            source=LOSS_PLACE,
            measure="distance of the 0-1 loss from 0 and 1 at margins of -3, 0.5 and 2",
            values=float((zero_one - (m < 0).double()).abs().max()),
            below=1e-12,
            reason="Its slope is 0 wherever it exists, so that no gradient method can use it.",
            above=-1e-12,
        ),
        judge(
            "The hinge loss, more complex, is used in the SVM.",
            source=LOSS_PLACE,
            measure="hinge loss at a margin of 2, where 1 suffices",
            values=float(hinge[2]),
            above=-1e-12,
            below=1e-12,
            reason="It asks for a margin of 1 and for no more: only the support vectors pull.",
        ),
        judge(
            "There are many losses. (Not in the lecture: the exponential one minds outliers most.)",
            source=LOSS_PLACE,
            measure=f"test accuracy with {NOISE:.0%} of the labels wrong and far out: logistic "
            "less exponential loss",
            values=np.subtract(linear["logistic", NOISE], linear["exponential", NOISE]),
            above=0.0,
        ),
    ]


def margin_values(name: str, margin: Tensor) -> Tensor:
    """One loss at some margins."""
    loss = MARGIN_LOSSES[name](reduction="none")
    return loss(margin, torch.ones_like(margin))


def least_squares(width: int, seed: int) -> float:
    """Error with a random first layer and the second one solved for: such weights exist."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(-1, 1, 256, dtype=torch.float64)[:, None]
    slopes = 12 * torch.randn(1, width, generator=generator, dtype=torch.float64)
    centres = 2 * torch.rand(width, generator=generator, dtype=torch.float64) - 1

    def units(at: Tensor) -> Tensor:
        return torch.cat([torch.tanh(slopes * (at - centres)), torch.ones_like(at)], dim=1)

    solution = torch.linalg.lstsq(units(x), target(x), driver="gelsd").solution
    between = x[:-1] + 1 / 255
    return float((units(between) @ solution - target(between)).square().mean().sqrt())


def width_claims(
    by_width: dict[str, Curves], by_depth: dict[str, Curves], solved: np.ndarray
) -> list[Claim]:
    """The theorem and its price."""
    errors = {width: rms(by_width[f"{width} units"]) for width in WIDTHS}
    slopes = [
        float(np.polyfit(np.log2(WIDTHS), np.log2([errors[w][seed] for w in WIDTHS]), 1)[0])
        for seed in range(len(errors[1]))
    ]
    one, more = rms(by_depth["one layer"]), rms(by_depth["two layers"])
    return [
        judge(
            "One hidden layer can approximate any continuous function to any precision.",
            source=WIDTH_PLACE,
            measure="error of 256 units over that of one: random first layer, second one solved "
            "for by least squares",
            values=solved[:, -1] / solved[:, 0],
            below=0.01,
        ),
        judge(
            "One hidden layer can approximate any continuous function to any precision.",
            source=WIDTH_PLACE,
            measure="error of 256 units over that of one, both layers trained by Adam",
            values=errors[WIDTHS[-1]] / errors[1],
            below=0.05,
            if_refuted="the theorem says that weights exist, not that training finds them.",
            if_not_settled="the theorem says that weights exist, not that training finds them.",
        ),
        judge(
            "More units approximate better.",
            source=WIDTH_PLACE,
            measure="log2 of the error for each doubling of the width",
            values=slopes,
            below=-0.3,
        ),
        judge(
            "It may take a huge number of neurons; therefore several layers are used.",
            source=WIDTH_PLACE,
            measure="error of one hidden layer over that of two with as many parameters (391 "
            "against 397), a function of nine waves",
            values=one / more,
            above=1.0,
        ),
    ]


def loss_picture() -> Picture:
    """The losses against the margin, and their slopes."""
    curves = margin_curves()
    margins = np.asarray(curves.margins)
    drawn, ((left, right),) = figure(
        "Hinge is content with a margin of 1, the exponential never and with outliers least of all",
        "Loss of a binary classifier by its margin y f(x), and what a gradient step feels",
        columns=2,
    )
    for place, (name, values) in enumerate(curves.losses.items()):
        shade = f"C{place}"
        left.plot(margins, np.asarray(values), label=name, color=shade)
        right.plot(margins, -np.asarray(curves.slopes[name]), label=name, color=shade)
    title_panel(left, "Loss", x="margin")
    title_panel(right, "Pull towards a larger margin", x="margin")
    for axes in (left, right):
        axes.set_ylim(-0.1, 4.5)
        axes.axvline(0, color=COLOURS["grey"], lw=1, ls=":")
    left.legend()
    return Picture("losses", drawn, "Left of the dotted line the answer is wrong.")


def width_picture(
    by_width: dict[str, Curves], by_depth: dict[str, Curves], solved: np.ndarray, settings: Settings
) -> Picture:
    """Error against width, and depth at equal size."""
    least = float(solved[:, -1].mean())
    errors = np.array([rms(by_width[f"{width} units"]) for width in WIDTHS]).T
    one, two = (rms(by_depth[name]).mean() for name in ("one layer", "two layers"))
    drawn, ((left, right),) = figure(
        f"{WIDTHS[-1]} trained units miss by {errors[:, -1].mean():.2g}, solved by {least:.0e}; "
        f"of equal size one layer misses by {one:.2g}, two by {two:.2g}",
        "Root mean square error; solved: random first layer, second by least squares; "
        f"{len(settings.runs)} seeds",
        columns=2,
    )
    band(left, WIDTHS, errors, marker="o", ms=4, label="trained by Adam")
    left.plot(WIDTHS, solved.mean(axis=0), marker="o", ms=4, color=COLOURS["green"], label="solved")
    left.loglog()
    left.set_xticks(WIDTHS, [str(width) for width in WIDTHS])
    left.xaxis.set_minor_locator(NullLocator())
    left.legend()
    title_panel(left, "One hidden layer of tanh units", x="units", y="error")
    dots(right, {name: rms(arm).tolist() for name, arm in by_depth.items()})
    right.set_xlim(left=0)
    title_panel(right, "About 400 parameters each, nine waves", x="error")
    return Picture("width", drawn, "The price of one layer is paid in units.")


def fits_picture(widths: dict[str, tc.Recipe]) -> Picture:
    """The function and what nets of some widths make of it."""
    drawn, panels = figure(
        "Every unit adds a bend",
        "Black: the function; blue: one hidden layer of so many tanh units, seed 0",
        columns=4, width=12, height=3.0, sharey=True,
    )  # fmt: skip
    x = torch.linspace(-1, 1, 400)[:, None]
    for axes, width in zip(panels.flat, (1, 4, 16, 64), strict=True):
        net = train(widths[f"{width} units"], 0, keep_model=True).model
        with torch.no_grad():
            axes.plot(x, target(x), color=COLOURS["black"], lw=1.2)
            axes.plot(x, net(x), color=COLOURS["blue"])
        title_panel(axes, f"{width} unit{'s' if width > 1 else ''}")
    return Picture("fits", drawn, "One layer, more and more units.")


def noise_picture(linear: dict[tuple[str, float], list[float]], settings: Settings) -> Picture:
    """Accuracy of a linear classifier by loss."""
    rows = {
        f"{name}, {'wrong labels' if wrong else 'clean'}": values
        for (name, wrong), values in linear.items()
    }
    means = {name: np.mean(linear[name, NOISE]) for name, _ in linear}
    worst = min(means, key=means.__getitem__)
    drawn, ((axes,),) = figure(
        f"With wrong labels far out the {worst} loss falls to {means[worst]:.0%}",
        f"Test accuracy of a linear classifier, {len(settings.runs)} seeds; wrong labels: "
        f"{NOISE:.0%} of the training set, three times as far out",
        height=3.0,
    )
    dots(axes, rows)
    return Picture("outliers", drawn, "Every seed is a dot.")
