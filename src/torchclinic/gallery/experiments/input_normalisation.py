"""Normalising the inputs: the loss surface and the speed.

:number: 12
:question: What does it gain to bring every input feature to mean 0 and deviation 1?
:source: lecture 000, "Normalisation of the input data"
:minutes: 0.4

"Such a transformation really helps the net": the lecture's picture shows a stretched bowl becoming
round. The bowl is that of a linear regression on two features, one ten times the other, and
its shape is a number: the condition number of the features' second moments, on which the number of
gradient steps depends. Then a net of two layers of 100 ReLUs is trained on the images in three
units: as grey values, which share one scale; with every pixel in a unit of its own (a factor
between 0.01 and 100), as the columns of a table have; and standardised. Each gets its best of five
learning rates.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import (
    COLOURS,
    SEQUENTIAL,
    band,
    figure,
    label_ends,
    title_panel,
)
from torchclinic.nn import Standardise
from torchclinic.nn.nets import MLP

LECTURE = "000, Normalisation of the input data"
RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
UNITS = ("grey values", "mixed units", "standardised")
SHADES: dict[str, str] = dict(zip(UNITS, ("green", "vermilion", "blue"), strict=True))
TOLERANCE, MOST_STEPS = 0.01, 100_000


def two_features(seed: int, rows: int = 200) -> tuple[Tensor, Tensor]:
    """Two independent features, the second with ten times the deviation, and a target."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 2, generator=generator, dtype=torch.float64)
    x = x * torch.tensor([1.0, 10.0]) + torch.tensor([2.0, 5.0])
    y = (x - x.mean(0)) / x.std(0) @ torch.tensor([1.0, 1.0], dtype=torch.float64)
    return x - x.mean(0), y - y.mean()


def descent(x: Tensor, y: Tensor) -> tuple[int, float, Tensor]:
    """Gradient steps until the loss has fallen to a hundredth, at the best constant rate.

    Returns:
        Steps, condition number of the second moments, and the path of the weights.
    """
    moments = x.T @ x / len(x)
    values = torch.linalg.eigvalsh(moments)
    rate = 2 / float(values[0] + values[-1])
    weights = torch.zeros(2, dtype=torch.float64)
    path = [weights]
    start = float(y.square().mean())
    while len(path) <= MOST_STEPS:
        error = x @ weights - y
        if float(error.square().mean()) <= TOLERANCE * start:
            break
        weights = weights - rate * x.T @ error / len(x)
        path.append(weights)
    return len(path) - 1, float(values[-1] / values[0]), torch.stack(path)


def in_units(settings: Settings, units: str) -> tc.Splits:
    """The images as grey values from 0 to 16, or with every pixel in a unit of its own."""
    found = images(settings)
    low, high = found.train[0].min(), found.train[0].max()
    generator = torch.Generator().manual_seed(0)
    factor = 10 ** (4 * torch.rand(pixels(settings), generator=generator) - 2)
    scale = 16 * (factor if units == "mixed units" else torch.ones_like(factor))
    (x, y), (test_x, test_y) = found.train, found.test
    train, test = ((part - low) / (high - low) * scale for part in (x, test_x))
    if units == "standardised":
        standardise = Standardise.fit(train)
        train, test = standardise(train), standardise(test)
    return tc.Splits(train=(train, y), test=(test, test_y), name=found.name)


def recipe(settings: Settings, units: str, rate: float) -> tc.Recipe:
    """The net on the images in some units at a learning rate."""
    return tc.Recipe(
        model=partial(MLP, pixels(settings), 2, init="he"),
        data=in_units(settings, units),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=rate),
        batch_size=32,
        epochs=epochs(settings, mnist=1, digits=20),
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """The bowl, then the net in three units over the learning rates."""
    bowls = []
    for seed in settings.runs:
        x, y = two_features(seed)
        bowls.append((descent(x, y), descent(x / x.std(0), y)))
    arms = {_name(u, r): recipe(settings, u, r) for u in UNITS for r in RATES}
    found = train_arms(arms, settings, what="nets in three units", start=0.05)
    return Outcome(
        claims=_claims(bowls, found),
        numbers={
            "condition number/as it is": float(np.mean([raw[1] for raw, _ in bowls])),
            "condition number/normalised": float(np.mean([normal[1] for _, normal in bowls])),
            "gradient steps/as it is": float(np.mean([raw[0] for raw, _ in bowls])),
            "gradient steps/normalised": float(np.mean([normal[0] for _, normal in bowls])),
            **{
                f"accuracy/{name}": float(np.nan_to_num(c.final, nan=0.1).mean())
                for name, c in found.items()
            },
        },
        pictures=(_surface(bowls), _rates(found)),
        series={f"accuracy/{name}": c.series() for name, c in found.items()},
    )


def _best(found: dict[str, Curves], units: str) -> np.ndarray:
    """Accuracy at the best learning rate, by seed."""
    return np.max([np.nan_to_num(found[_name(units, r)].final, nan=0.1) for r in RATES], axis=0)


def _claims(bowls: list, found: dict[str, Curves]) -> tuple[Claim, ...]:
    best = {units: _best(found, units) for units in UNITS}
    return (
        judge(
            "Normalisation makes the stretched bowl round.",
            source=LECTURE,
            measure="condition number of two features after normalisation",
            values=[normal[1] for _, normal in bowls],
            below=2.0,
        ),
        judge(
            "It helps to find the minimum.",
            source=LECTURE,
            measure="gradient steps to a hundredth of the loss: as it is over normalised",
            values=[raw[0] / max(1, normal[0]) for raw, normal in bowls],
            above=10.0,
        ),
        judge(
            "Such a transformation really helps the net: pixels in units of their own.",
            source=LECTURE,
            measure="test accuracy at the best rate: standardised minus mixed units",
            values=best["standardised"] - best["mixed units"],
            above=0.0,
        ),
        judge(
            "Such a transformation really helps the net: pixels that share one unit.",
            source=LECTURE,
            measure="test accuracy at the best rate: standardised minus grey values",
            values=best["standardised"] - best["grey values"],
            above=0.0,
            if_refuted="Pixels share one scale already: another learning rate does the same.",
            if_not_settled="Pixels share one scale already: another learning rate does the same.",
        ),
    )


def _surface(bowls: list) -> Picture:
    (raw_steps, raw_cond, _), (steps, cond, _) = bowls[0]
    drawn, axes = figure(
        f"Normalised, the bowl is round: descent takes {steps:,} step{'s' * (steps != 1)} instead "
        f"of {raw_steps:,}",
        f"Loss of a linear regression on two features (condition number {raw_cond:,.0f} and "
        f"{cond:.2f}), and gradient descent at its best constant rate.",
        columns=2,
    )
    for panel, scaled, title in zip(
        axes[0], (False, True), ("as it is", "normalised"), strict=True
    ):
        x, y = two_features(0)
        x = x / x.std(0) if scaled else x
        path = bowls[0][int(scaled)][2].numpy()
        goal = torch.linalg.lstsq(x, y).solution.numpy()
        reach = 1.6 * np.abs(goal)
        first = np.linspace(goal[0] - reach[0], goal[0] + reach[0], 80)
        second = np.linspace(goal[1] - (1.6 if scaled else 5) * abs(goal[1]),
                             goal[1] + (1.6 if scaled else 5) * abs(goal[1]), 80)  # fmt: skip
        grid = torch.tensor(np.stack(np.meshgrid(first, second), -1).reshape(-1, 2))
        loss = (x @ grid.T - y[:, None]).square().mean(0).reshape(80, 80).numpy()
        panel.contourf(first, second, np.log10(loss + 1e-3), 18, cmap=SEQUENTIAL.reversed())
        panel.plot(path[:, 0], path[:, 1], "o-", color=COLOURS["vermilion"], ms=2.5, lw=1)
        panel.plot(*goal, "*", color=COLOURS["black"], ms=11)
        panel.set(xlim=(first[0], first[-1]), ylim=(second[0], second[-1]))
        title_panel(panel, title, x="first weight", y="second weight")
    return Picture("surface", drawn, "The loss surface before and after normalisation.")


def _rates(found: dict[str, Curves]) -> Picture:
    best = {units: _best(found, units).mean() for units in UNITS}
    drawn, axes = figure(
        f"Best accuracy: {best['standardised']:.1%} standardised, {best['grey values']:.1%} as "
        f"grey values, {best['mixed units']:.1%} in mixed units",
        "Test accuracy of two layers of 100 ReLUs by learning rate; band: lowest to highest seed.",
    )
    panel = axes[0, 0]
    panel.set_ylim(0, 1.02)
    for units, shade in SHADES.items():
        finals = [np.nan_to_num(found[_name(units, rate)].final, nan=0.1) for rate in RATES]
        band(panel, RATES, np.stack(finals, 1), label=units, color=COLOURS[shade], marker="o", ms=5)
    panel.set_xscale("log")
    title_panel(panel, "", x="learning rate of SGD", y="test accuracy")
    label_ends(panel)
    return Picture("rates", drawn, "Accuracy by learning rate in three units.")


def _name(units: str, rate: float) -> str:
    return f"{units}, {rate:g}"
