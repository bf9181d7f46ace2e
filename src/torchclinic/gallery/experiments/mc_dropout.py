"""Monte-Carlo dropout: intervals, and the digits that a net is least sure of.

:number: 10
:question: Do a thousand passes with dropout left on give an honest interval, and find the rows that
    the net does not understand?
:source: lecture 000 and 002, "Confidence interval from Dropout"
:minutes: 2.8

If dropout is not switched off for prediction, a thousand passes give a thousand answers, "from
which one can build confidence intervals and catch the objects on which the net does not understand
at all what to do". The net is the one of the noisy line (1-100-100-1, dropout 0.5 and 0.2, Adam at
0.01, 1,500 updates); its points lie between -1 and 1, and it is asked between -3 and 3. For the
digits it is three layers of 100 ReLUs with dropout of 0.5 behind each.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, INK, dots, figure, title_panel
from torchclinic.nn.nets import MLP
from torchclinic.nn.uncertainty import Prediction, predict_distribution

LECTURE = "002, Confidence interval from Dropout"
SAMPLES, LEVELS = 1000, (0.025, 0.975)
GRID = torch.linspace(-3, 3, 241).unsqueeze(1)
INSIDE, OUTSIDE = GRID[:, 0].abs() <= 1, GRID[:, 0].abs() >= 2
SHOWN = 16


def line_net() -> nn.Sequential:
    """The lecture's net with dropout for the noisy line."""
    return nn.Sequential(
        nn.Linear(1, 100),
        nn.Dropout(0.5),
        nn.ReLU(),
        nn.Linear(100, 100),
        nn.Dropout(0.2),
        nn.ReLU(),
        nn.Linear(100, 1),
    )


def on_the_line(seed: int) -> Prediction:
    """A thousand answers of a trained net for each point of the grid."""
    recipe = tc.Recipe(
        model=line_net,
        data=tc.data.noisy_line(seed=seed),
        loss=nn.MSELoss(),
        optimizer=partial(Adam, lr=0.01),
        batch_size=None,
        epochs=1500,
    )
    model = tc.train(recipe, seed, keep_model=True).model
    return predict_distribution(model, GRID, SAMPLES, LEVELS, generator=seed)


def digits_recipe(settings: Settings) -> tc.Recipe:
    """Three layers with dropout for the images."""
    return tc.Recipe(
        model=partial(MLP, pixels(settings), 3, init="he", dropout=0.5),
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(Adam, lr=1e-3),
        batch_size=32,
        epochs=epochs(settings, mnist=3, digits=60),
    )


def run(settings: Settings) -> Outcome:
    """The line, then the digits."""
    arms = {"net": digits_recipe(settings)}
    nets = train_arms(arms, settings, what="a net for the digits", end=0.4, keep_models=True)
    lines, digits = [], []
    for place, (seed, model) in enumerate(zip(settings.runs, nets["net"].models, strict=True)):
        done = 0.4 + 0.6 * place / len(settings.runs)
        settings.tell(done, "a line and the digits, 1,000 passes each")
        lines.append(on_the_line(seed))
        rows, _ = images(settings).test
        digits.append(predict_distribution(model, rows, SAMPLES, generator=seed))
    labels = images(settings).test[1]
    widths, covers = zip(*map(_line_numbers, lines), strict=True)
    found = np.array([_digit_numbers(p, labels) for p in digits])
    width, cover = np.array(widths), np.array(covers)
    return Outcome(
        claims=_claims(width, cover, found),
        numbers={
            "interval width/inside the data": float(width[:, 0].mean()),
            "interval width/outside": float(width[:, 1].mean()),
            "coverage of the true line/inside the data": float(cover[:, 0].mean()),
            "coverage of the true line/outside": float(cover[:, 1].mean()),
            "AUC of the entropy for errors": float(found[:, 0].mean()),
            "accuracy": float(found[:, 1].mean()),
            "accuracy of the surest 90 %": float(found[:, 2].mean()),
        },
        pictures=(
            _line(lines, width),
            _digits(settings, digits[0], labels),
            _intervals(width, cover),
        ),
        notes=(f"drawn by {lines[0].method!r} (line), {digits[0].method!r} (digits)",),
    )


def _line_numbers(found: Prediction) -> tuple[tuple[float, float], tuple[float, float]]:
    """Width of the interval and how often it holds the true line, inside and outside the data."""
    low, high = (end[:, 0] for end in found.interval)
    covered = ((low <= GRID[:, 0]) & (GRID[:, 0] <= high)).float()
    width = high - low
    return (
        (float(width[INSIDE].mean()), float(width[OUTSIDE].mean())),
        (float(covered[INSIDE].mean()), float(covered[OUTSIDE].mean())),
    )


def _digit_numbers(found: Prediction, labels: Tensor) -> tuple[float, float, float]:
    """AUC of the entropy for errors, accuracy, and accuracy of the surest nine tenths."""
    from sklearn.metrics import roc_auc_score

    right = found.labels == labels
    doubt = found.score("entropy")
    surest = doubt.argsort()[: round(0.9 * len(labels))]
    auc = float(roc_auc_score(~right, doubt)) if 0 < int(right.sum()) < len(right) else np.nan
    return auc, float(right.float().mean()), float(right[surest].float().mean())


def _claims(width: np.ndarray, cover: np.ndarray, found: np.ndarray) -> tuple[Claim, ...]:
    return (
        judge(
            "From a thousand passes one can build confidence intervals: of 95 %, inside the data.",
            source=LECTURE,
            measure="share of points between -1 and 1 whose interval holds the true line",
            values=cover[:, 0],
            above=0.9,
            if_refuted="The width is that of the dropout noise, which p sets and not the number of"
            " points or their noise: nothing calibrates it.",
            if_not_settled="The width is that of the dropout noise, which p sets and not the number"
            " of points or their noise: nothing calibrates it.",
        ),
        judge(
            "Outside the data the interval is wider.",
            source=LECTURE,
            measure="width beyond |x| = 2 over width within |x| = 1",
            values=width[:, 1] / width[:, 0],
            above=1.0,
        ),
        judge(
            "Objects that the net does not understand are predicted with a large spread.",
            source=LECTURE,
            measure="AUC of the predictive entropy for wrong answers on the digits",
            values=found[:, 0],
            above=0.8,
        ),
        judge(
            "Such objects can be caught: the surest 90 % are recognised better.",
            source=LECTURE,
            measure="accuracy of the surest 90 % minus that of all",
            values=found[:, 2] - found[:, 1],
            above=0.0,
        ),
    )


def _line(lines: list[Prediction], width: np.ndarray) -> Picture:
    ratio = (width[:, 1] / width[:, 0]).mean()
    drawn, axes = figure(
        f"Where there were no points the interval is {ratio:.0f} times wider",
        f"Mean and 95 % interval of {SAMPLES:,} passes with dropout left on, for three draws of "
        "the points; dashed: the true line; grey: where the points are.",
        columns=3,
        sharey=True,
        height=3.6,
    )
    axes[0, 0].set_ylim(-6, 6)
    for seed, (panel, found) in enumerate(zip(axes[0], lines, strict=False)):
        x, y = tc.data.noisy_line(seed=seed).train
        low, high = (end[:, 0].numpy() for end in found.interval)
        panel.axvspan(-1, 1, color=COLOURS["grey"], alpha=0.1, lw=0)
        panel.fill_between(GRID[:, 0].numpy(), low, high, color=COLOURS["blue"], alpha=0.25, lw=0)
        panel.plot(GRID[:, 0].numpy(), found.mean[:, 0].numpy(), color=COLOURS["blue"])
        panel.plot([-3, 3], [-3, 3], color=INK, lw=1, ls="--")
        panel.scatter(x.numpy(), y.numpy(), s=7, color=INK, alpha=0.5, lw=0)
        panel.margins(x=0)
        title_panel(panel, f"draw {seed + 1}", x="x", y="" if seed else "y")
    return Picture("line", drawn, "Intervals of MC dropout inside and outside of the data.")


def _digits(settings: Settings, found: Prediction, labels: Tensor) -> Picture:
    ranked = found.ranking("entropy")
    wrong = found.labels != labels
    among = int(wrong[ranked[:SHOWN]].sum())
    drawn, axes = figure(
        f"Of the {SHOWN} digits that the net doubts most it gets {among} wrong; of all, "
        f"{wrong.float().mean():.1%}",
        "The most uncertain test digits: what they are, what the net says, and the predictive "
        "entropy; wrong answers in vermilion. Below each: its ten mean probabilities.",
        rows=4,
        columns=SHOWN // 2,
        height=5.2,
        height_ratios=(3, 1.1, 3, 1.1),
    )
    side = round(pixels(settings) ** 0.5)
    pictures = images(settings).test[0].reshape(-1, side, side)
    for place, row in enumerate(ranked[:SHOWN].tolist()):
        line, column = divmod(place, SHOWN // 2)
        image, bars = axes[2 * line, column], axes[2 * line + 1, column]
        shade = COLOURS["vermilion"] if wrong[row] else COLOURS["blue"]
        image.imshow(pictures[row].numpy(), cmap="Greys")
        image.set_axis_off()
        said = f"{int(labels[row])}: says {int(found.labels[row])}"
        image.set_title(said, fontsize=9, color=shade, pad=3)
        bars.bar(range(10), found.mean[row].numpy(), color=shade, width=0.8)
        bars.set(ylim=(0, 1), yticks=[], xticks=(0, 9))
        bars.tick_params(labelsize=7.5, length=0)
        bars.grid(visible=False)
    return Picture("doubtful-digits", drawn, "The test digits of highest predictive entropy.")


def _intervals(width: np.ndarray, cover: np.ndarray) -> Picture:
    drawn, axes = figure(
        f"The 95 % interval holds the true line at {cover[:, 0].mean():.0%} of the points inside "
        f"the data and at {cover[:, 1].mean():.0%} outside",
        "Width and coverage of the interval; a dot is a draw of the points, the bar their mean.",
        columns=2,
        height=2.2,
        sharey=True,
    )
    names = ("inside the data", "outside")
    for panel, table, title in zip(axes[0], (cover, width), ("coverage", "width"), strict=True):
        dots(panel, {n: table[:, i].tolist() for i, n in enumerate(names)}, text="{:.2f}")
        title_panel(panel, title)
    axes[0, 0].axvline(0.95, color=COLOURS["grey"], ls=":", lw=1)
    return Picture("coverage", drawn, "Coverage and width inside and outside of the data.")
