"""The LR range test both ways, and its bounds at work in a cyclic training.

:number: 19
:question: Do the slow and the quick LR range test agree, and are the lecture's bounds good ones?
:source: lecture 000, "We choose the bounds of the learning rate"
:minutes: 2.6

Two ways to look for rates: train a fresh net for an epoch at each ("this is long"), or let one net
see one batch at each rate ("the magic: it often works, since we need only a rough guess"). The net
is the lecture's, three sigmoid layers with BatchNorm and SGD, rates from 1e-8 to 10.

The lecture reads two bounds off the curve: the minimum divided by 10 (there 1e-1, so 1e-2) as the
upper one, and the rate at which the loss begins to fall divided by 6 (there 1e-4 / 6) as the lower
one. Both readings are made here by rule, and put to work in a triangular schedule against constant
rates.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import numpy as np
from torch import nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, band, dots, figure, title_panel
from torchclinic.nn.nets import MLP
from torchclinic.optim import triangular

LECTURE = "000, We choose the bounds of the learning rate"
LOW, HIGH = 1e-8, 10.0
BEGUN = 0.1  # share of the whole fall at which the loss "begins to fall"
Method = Literal["ramp", "fresh"]
WAYS: dict[Method, str] = {"ramp": "one batch a rate", "fresh": "one epoch a rate"}
SHADES = {"ramp": "blue", "fresh": "vermilion"}


def recipe(settings: Settings, rate: float = 1e-3) -> tc.Recipe:
    """The lecture's net."""
    net = partial(MLP, pixels(settings), 3, activation="sigmoid", norm="batch", init="xavier")
    return tc.Recipe(
        model=partial(net, bias=False),
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=rate),
        batch_size=32,
        epochs=epochs(settings, mnist=15, digits=60),
        metric="accuracy",
    )


def range_test(settings: Settings, way: Method, seed: int) -> tc.LRRange:
    """The range test of a seed in one of the two ways."""
    steps = 150 if way == "ramp" else settings.pick(25, 13)
    test = partial(tc.lr_range_test, recipe(settings), seeds=[seed], low=LOW, high=HIGH)
    return test(method=way, steps=steps)


def bounds(found: tc.LRRange) -> tuple[float, float]:
    """The lecture's reading of a curve: (start of the fall / 6, minimum / 10)."""
    losses, rates = np.array(found.losses), np.array(found.learning_rates)
    lowest = int(np.nanargmin(losses))
    fallen = losses[0] - losses[: lowest + 1] > BEGUN * (losses[0] - losses[lowest])
    return float(rates[fallen.argmax()] / 6), float(rates[lowest] / 10)


def run(settings: Settings) -> Outcome:
    """Both tests for each seed, then trainings with what they suggest."""
    tests: dict[Method, list[tc.LRRange]] = {}
    for place, way in enumerate(WAYS):
        settings.tell(0.2 * place, f"range test, {WAYS[way]}")
        tests[way] = [range_test(settings, way, seed) for seed in settings.runs]
    read = {way: np.log10([bounds(found) for found in rows]) for way, rows in tests.items()}
    low, high = (float(10**v) for v in read["ramp"].mean(axis=0))
    valley = _valley(tests["ramp"])
    arms = {
        "triangular, lecture's bounds": recipe(settings).replace(schedule=triangular(low, high)),
        "constant, lower bound": recipe(settings, low),
        "constant, upper bound": recipe(settings, high),
        "constant, minimum": recipe(settings, 10 * high),
        "constant, valley": recipe(settings, valley),
    }
    found = train_arms(arms, settings, what="trainings at what was suggested", start=0.4)
    return Outcome(
        claims=_claims(read, found),
        numbers={
            "lower bound": low,
            "upper bound": high,
            "valley": valley,
            **{f"accuracy/{name}": float(np.mean(c.final)) for name, c in found.items()},
        },
        pictures=(_tests(tests, low, high), _trainings(found, low, high)),
        series={f"accuracy/{name}": c.series() for name, c in found.items()},
    )


def _valley(tests: list[tc.LRRange]) -> float:
    """Geometric mean of the valleys that were suggested; the lecture's 1e-2 without any."""
    suggested = [found.suggestion for found in tests if found.suggestion]
    return math.exp(sum(map(math.log, suggested)) / len(suggested)) if suggested else 1e-2


def _claims(read: dict[str, np.ndarray], found: dict[str, Curves]) -> tuple[Claim, ...]:
    final = {name: np.nan_to_num(np.asarray(c.final), nan=0.1) for name, c in found.items()}
    cyclic = final["triangular, lecture's bounds"]
    return (
        judge(
            "One batch a rate often works: its upper bound is that of one epoch a rate.",
            source=LECTURE,
            measure="log10 of the upper bounds' ratio, ramp over fresh",
            values=read["ramp"][:, 1] - read["fresh"][:, 1],
            above=-1.0,
            below=1.0,
            unit="decades",
        ),
        judge(
            "... and so is its lower bound.",
            source=LECTURE,
            measure="log10 of the lower bounds' ratio, ramp over fresh",
            values=read["ramp"][:, 0] - read["fresh"][:, 0],
            above=-1.0,
            below=1.0,
            unit="decades",
            if_refuted="In an epoch even a small rate gets somewhere; one batch at it does not. "
            "The start of the fall moves down with the number of updates a rate is given.",
            if_not_settled="In an epoch even a small rate gets somewhere; one batch at it does "
            "not.",
        ),
        judge(
            "The minimum of the curve is near 1e-1.",
            source=LECTURE,
            measure="log10 of the rate at the minimum, ramp",
            values=read["ramp"][:, 1] + 1,
            above=-1.5,
            below=-0.5,
            unit="decades",
            if_refuted="The curve depends on the number of rates and batches, and on the data; "
            "what holds here need not hold there.",
            if_not_settled="The curve depends on the number of rates and batches, and on the data.",
        ),
        judge(
            "The values found serve as high and low bound: the cyclic run learns.",
            source=LECTURE,
            measure="test accuracy of the triangular run between them",
            values=cyclic,
            above=0.85,
        ),
        judge(
            "... and does no worse than the best constant rate.",
            source=LECTURE,
            measure="test accuracy: triangular minus constant at the minimum of the curve",
            values=cyclic - final["constant, minimum"],
            above=-0.01,
            if_refuted="The lecture's upper bound, a tenth of the minimum, is a cautious one: the "
            "time that the cycle spends far below it is lost.",
        ),
    )


def _tests(tests: dict[Method, list[tc.LRRange]], low: float, high: float) -> Picture:
    drawn, axes = figure(
        f"Read by the lecture's rule, the quick test gives {low:.1g} to {high:.1g}",
        "Loss against learning rate, a line a seed; grey: the bounds from the quick test (start of "
        "the fall / 6, minimum / 10).",
        columns=2,
    )
    for panel, (way, rows) in zip(axes[0], tests.items(), strict=True):
        panel.axvspan(low, high, color=COLOURS["grey"], alpha=0.15, lw=0)
        for found in rows:
            losses = np.minimum(found.losses, 3.5)
            panel.plot(found.learning_rates, losses, color=COLOURS[SHADES[way]], lw=1.5, alpha=0.8)
        panel.set(xscale="log", ylim=(0, 3.6))
        title_panel(panel, WAYS[way], x="learning rate", y="loss")
    return Picture("tests", drawn, "The LR range test in both ways.")


def _trainings(found: dict[str, Curves], low: float, high: float) -> Picture:
    mean = {name: float(np.mean(c.final)) for name, c in found.items()}
    best = max(mean, key=lambda name: mean[name])
    drawn, axes = figure(
        f"Best: {best} ({mean[best]:.1%}); the cycle between the bounds: "
        f"{mean['triangular, ' + 'lecture' + chr(39) + 's bounds']:.1%}",
        f"Test accuracy; lower bound {low:.2g}, upper bound {high:.2g}; band: lowest to highest "
        "seed.",
        columns=2,
        width_ratios=(1.2, 1),
    )
    shades = dict(zip(found, ("blue", "grey", "green", "vermilion", "purple"), strict=True))
    panel = axes[0, 0]
    panel.set_ylim(0, 1.02)
    for name, curve in found.items():
        band(panel, curve.steps, curve.metric, color=COLOURS[shades[name]])
    title_panel(panel, "during the training", x="update", y="test accuracy")
    colours = {name: COLOURS[shade] for name, shade in shades.items()}
    dots(axes[0, 1], {name: c.final for name, c in found.items()}, colours=colours)
    title_panel(axes[0, 1], "at the end", x="test accuracy")
    return Picture("trainings", drawn, "The suggested rates at work.")
