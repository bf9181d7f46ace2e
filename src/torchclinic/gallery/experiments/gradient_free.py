"""Gradient-free methods against gradients.

:number: 17
:question: How many evaluations do methods without a gradient need for what gradients do?
:source: lecture 003, "Without use of the gradient (direct methods)"
:minutes: 11

The lecture lists direct methods beside gradient descent. All of them are given the same small nets
on two interleaved moons, 2-8-1 with 33 weights and 2-64-1 with 257, and the same number of
evaluations of the loss on all points. A gradient counts as three evaluations, since a forward and a
backward pass cost about three forward passes. The race is to a loss that no straight line reaches.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.style import COLOURS, band, dots, figure, label_ends, title_panel
from torchclinic.nn.nets import MLP
from torchclinic.optim import METHODS, make, minimise
from torchclinic.optim.derivative_free import flat_parameters, population_loss
from torchclinic.training import seeded

LECTURE = "003, Without use of the gradient (direct methods)"
WIDTHS = (8, 64)
TARGET = 0.15  # about half of what a straight line leaves
GRADIENT_COST = 3
GRADIENTS = {"Adam": partial(make, "adam", lr=0.05), "SGD": partial(make, "sgd", lr=1.0)}
STEP = 0.3  # how far the direct methods look at first
SHADES = {
    "Adam": "blue",
    "SGD": "black",
    "cma-es": "vermilion",
    "one-plus-one-es": "green",
    "spsa": "purple",
    "powell": "ochre",
    "nelder-mead": "rose",
}


def net(width: int, seed: int) -> MLP:
    """A net of one hidden layer of tanh."""
    with seeded(seed):
        return MLP(2, 1, width, 1, activation="tanh", init="xavier")


def points(seed: int) -> tuple[Tensor, Tensor]:
    """200 points of two moons, and their classes as 0 and 1."""
    x, y = tc.data.moons(200, seed=seed).train
    return x, y.float().unsqueeze(1)


def by_gradient(name: str, width: int, seed: int, budget: int) -> np.ndarray:
    """Lowest loss after each evaluation, a gradient being several."""
    model, (x, y) = net(width, seed), points(seed)
    optimizer = GRADIENTS[name](model.parameters())
    found = []
    for _ in range(budget // GRADIENT_COST):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(x), y)
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    return np.minimum.accumulate(np.repeat(found, GRADIENT_COST))[:budget]


def directly(name: str, width: int, seed: int, budget: int) -> np.ndarray:
    """Lowest loss after each evaluation by a method of `METHODS`."""
    model, (x, y) = net(width, seed), points(seed)
    objective = population_loss(model, nn.functional.binary_cross_entropy_with_logits, x, y)
    found = minimise(
        name,
        objective,
        flat_parameters(model),
        budget=budget,
        scale=STEP,
        generator=torch.Generator().manual_seed(seed),
    )
    path = np.full(budget, np.nan)
    path[0] = float(found.history[0])
    for count, value in zip(found.at.tolist(), found.history.tolist(), strict=True):
        path[count - 1] = value
    filled = np.where(np.isnan(path), np.inf, path)
    return np.minimum.accumulate(filled)


def run(settings: Settings) -> Outcome:
    """Every method on both nets."""
    budget = settings.pick(20_000, 1_000)
    paths: dict[tuple[str, int], np.ndarray] = {}
    names = (*GRADIENTS, *METHODS)
    for place, name in enumerate(names):
        settings.tell(place / len(names), f"{name}: {budget} evaluations")
        race = by_gradient if name in GRADIENTS else directly
        for width in WIDTHS:
            rows = [race(name, width, seed, budget) for seed in settings.runs]
            paths[name, width] = np.stack(rows)
    needed = {cell: np.array([_needed(row) for row in rows]) for cell, rows in paths.items()}
    lines = np.array([straight_line(seed) for seed in settings.runs])
    return Outcome(
        claims=_claims(paths, needed, budget, lines),
        numbers={
            "loss/straight line": float(lines.mean()),
            **{f"loss/{n}/width {w}": float(v[:, -1].mean()) for (n, w), v in paths.items()},
            **{
                f"evaluations to {TARGET}/{n}/width {w}": float(np.median(v))
                for (n, w), v in needed.items()
            },
        },
        pictures=(_curves(paths), _race(paths)),
        notes=(f"where {TARGET} was not reached, {budget + 1} evaluations are counted",),
    )


def straight_line(seed: int) -> float:
    """The lowest loss that a straight line reaches: logistic regression without a penalty."""
    x, y = points(seed)
    line = nn.Linear(2, 1)
    with torch.no_grad():
        line.weight.zero_()
        line.bias.zero_()
    optimizer = torch.optim.LBFGS(line.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = nn.functional.binary_cross_entropy_with_logits(line(x), y)
        value.backward()
        return value

    optimizer.step(loss)
    return float(loss().detach())


def _needed(row: np.ndarray) -> int:
    """Evaluations until the target; one more than there were if it was not reached."""
    reached = np.flatnonzero(row <= TARGET)
    return int(reached[0]) + 1 if len(reached) else len(row) + 1


def _direct(table: dict[tuple[str, int], np.ndarray], width: int) -> np.ndarray:
    """The values of all direct methods, shape (methods, seeds)."""
    return np.stack([table[name, width] for name in METHODS])


def _claims(
    paths: dict[tuple[str, int], np.ndarray],
    needed: dict[tuple[str, int], np.ndarray],
    budget: int,
    lines: np.ndarray,
) -> tuple[Claim, ...]:
    small, large = WIDTHS
    best = {width: _direct(needed, width).min(axis=0) for width in WIDTHS}
    final = {width: np.stack([paths[n, width][:, -1] for n in METHODS]) for width in WIDTHS}
    return (
        judge(
            "Without a gradient one can optimise, too: the loss falls below that of a line.",
            source=LECTURE,
            measure="loss of the best straight line minus that of the best direct method after "
            f"{budget} evaluations, {small} units",
            values=lines - final[small].min(axis=0),
            above=0.0,
        ),
        judge(
            "The gradient is worth many evaluations.",
            source=LECTURE,
            measure=f"evaluations to a loss of {TARGET}: the best direct method over Adam, log2, "
            f"{large} units",
            values=np.log2(best[large] / needed["Adam", large]),
            above=1.0,
            unit="doublings",
            if_refuted="Fitting 200 points is so easy that random steps which are kept when they "
            "help, (1+1)-ES, need hardly more.",
            if_not_settled="Fitting 200 points is so easy that random steps which are kept when "
            "they help, (1+1)-ES, need hardly more.",
        ),
        judge(
            "... and the more, the more weights there are.",
            source=LECTURE,
            measure="loss at the end: median direct method, 64 units minus 8",
            values=np.median(final[large], axis=0) - np.median(final[small], axis=0),
            above=0.0,
            if_not_settled="Eight times as many weights cost the direct methods little: a wide net "
            "has more solutions, and finding any of them is enough.",
            if_refuted="Eight times as many weights cost the direct methods nothing: a wide net "
            "has more solutions, and finding any of them is enough.",
        ),
        judge(
            "(Not in the lecture:) among the direct methods CMA-ES is best.",
            source="besides 003: Hansen and Ostermeier 2001, doi:10.1162/106365601750190398",
            measure=f"loss at the end, {small} units: best of the others minus CMA-ES",
            values=np.min([paths[n, small][:, -1] for n in METHODS if n != "cma-es"], axis=0)
            - paths["cma-es", small][:, -1],
            above=0.0,
        ),
    )


def _curves(paths: dict[tuple[str, int], np.ndarray]) -> Picture:
    budget = paths["Adam", WIDTHS[0]].shape[1]
    adam = np.median([_needed(row) for row in paths["Adam", WIDTHS[0]]])
    drawn, axes = figure(
        f"Adam reaches a loss of {TARGET} after {adam:,.0f} evaluations, counting a gradient as "
        f"{GRADIENT_COST}",
        "Lowest loss so far on two moons; band: lowest to highest seed; dotted: the target.",
        columns=2,
        sharey=True,
        height=4.6,
    )
    x = np.unique(np.geomspace(1, budget, 80).astype(int))
    for panel, width in zip(axes[0], WIDTHS, strict=True):
        panel.axhline(TARGET, color=COLOURS["grey"], lw=1, ls=":")
        for name, shade in SHADES.items():
            rows = paths[name, width][:, x - 1]
            shown = np.where(np.isfinite(rows), rows, np.nan)
            band(panel, x, shown, label=name, color=COLOURS[shade], lw=1.6)
        panel.set(xscale="log", yscale="log")
        title_panel(panel, f"{width} hidden units, {4 * width + 1} weights", x="evaluations",
                    y="lowest loss" if width == WIDTHS[0] else "")  # fmt: skip
    axes[0, 0].set_ylim(0.005, 1.2)
    for panel in axes[0]:
        label_ends(panel)
    return Picture("curves", drawn, "Lowest loss by number of evaluations.")


def _race(paths: dict[tuple[str, int], np.ndarray]) -> Picture:
    width = WIDTHS[0]
    names = (*GRADIENTS, *METHODS)
    order = sorted(names, key=lambda name: paths[name, width][:, -1].mean())
    direct = next(name for name in order if name in METHODS)
    drawn, axes = figure(
        f"Best without a gradient: {direct}",
        f"Loss after {paths['Adam', width].shape[1]:,} evaluations; a dot is a seed, the bar their "
        "mean.",
        columns=2,
        height=4.2,
        sharey=True,
    )
    for panel, size in zip(axes[0], WIDTHS, strict=True):
        rows = {name: paths[name, size][:, -1].tolist() for name in order}
        shades = {n: COLOURS["blue" if n in GRADIENTS else "vermilion"] for n in order}
        dots(panel, rows, colours=shades)
        panel.set_xlim(left=0)
        title_panel(panel, f"{size} hidden units", x="loss")
    return Picture("race", drawn, "Loss at the end by method; blue: with gradients.")
