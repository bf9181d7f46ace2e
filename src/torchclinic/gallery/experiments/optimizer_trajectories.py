"""How optimizers walk: ravines, saddles and terraces.

:number: 15
:question: Who gets down which surface, and how?
:source: 000, section "Optimisation of the weights"; 003, "Gradient descent"
:minutes: 0.5

SGD, momentum, Nesterov, Adagrad, RMSprop and Adam walk down eight test surfaces from starts around
the usual ones, each with the learning rate of a grid that suits it best there. A walk has arrived
when it is at the goal for good.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from torchclinic import optim
from torchclinic.gallery import Animation, Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.style import COLOURS, SEQUENTIAL, figure, heat, title_panel
from torchclinic.optim import SURFACES, descend
from torchclinic.optim.surfaces import Surface

COMPARED = "000, Comparison of the optimizers"
METHODS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
ADAPTIVE = ("adagrad", "rmsprop", "adam")
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.2, 0.4)
SHOWN = ("ravine", "saddle", "beale", "himmelblau")
NEAR, DOWN = 0.05, -0.5  # reached: this much above the lowest value; or, without one, this low
FAST_STEPS = 100
STARTS, JITTER = 16, 0.03  # starts a seed; their spread as a share of the drawn part


@dataclass(frozen=True)
class Race:
    """One optimizer on one surface at its best learning rate.

    Attributes:
        rate: The learning rate.
        points: Shape (steps + 1, starts, dimension).
        steps: Updates until it is at the goal for good, by start; one more than were made where
            it never is.
    """

    rate: float
    points: Tensor
    steps: np.ndarray


def run(settings: Settings) -> Outcome:
    """Race on every surface, and look at single walks."""
    races: dict[tuple[str, str], Race] = {}
    pairs = [(surface.name, method) for surface in SURFACES.members() for method in METHODS]
    for place, (surface, method) in enumerate(pairs):
        settings.tell(0.9 * place / len(pairs), f"{surface}: {method}")
        races[surface, method] = race(SURFACES[surface], method, settings)
    numbers = {
        f"median updates, {s}, {m}": float(np.median(r.steps)) for (s, m), r in races.items()
    }
    numbers |= {f"best learning rate, {s}, {m}": r.rate for (s, m), r in races.items()}
    return Outcome(
        claims=(*racing(races, settings), *walking(settings)),
        numbers=numbers,
        pictures=(race_picture(races, settings),),
        animations=(walks(races, settings),),
    )


def starts_near(surface: Surface, seed: int) -> Tensor:
    """Starts around the surface's own."""
    generator = torch.Generator().manual_seed(seed)
    widths = torch.tensor([high - low for low, high in surface.bounds], dtype=torch.float64)
    noise = torch.randn(STARTS, surface.dimension, generator=generator, dtype=torch.float64)
    return torch.tensor(surface.start, dtype=torch.float64) + JITTER * widths * noise


def race(surface: Surface, method: str, settings: Settings) -> Race:
    """The best learning rate of the grid by the median number of updates to the goal."""
    steps = settings.pick(500, FAST_STEPS)
    starts = torch.cat([starts_near(surface, seed) for seed in settings.runs])
    found = []
    for rate in settings.pick(RATES, RATES[3:]):
        points = descend(surface, optim.make(method, lr=rate), steps, start=starts).points
        found.append(Race(rate, points, steps_to_goal(surface, points)))
    return min(found, key=lambda one: (float(np.median(one.steps)), float(one.steps.mean())))


def steps_to_goal(surface: Surface, points: Tensor) -> np.ndarray:
    """Updates until a walk has arrived for good, by start."""
    goal = surface.lowest + NEAR if math.isfinite(surface.lowest) else DOWN
    stays = (surface(points) <= goal).double().flip(0).cumprod(dim=0).flip(0)
    return torch.where(stays[-1] > 0, stays.argmax(dim=0), len(points)).numpy()


def by_seed(values: np.ndarray, settings: Settings) -> np.ndarray:
    """Median over the starts of each seed."""
    return np.median(values.reshape(len(settings.runs), STARTS), axis=1)


def turns(points: Tensor) -> np.ndarray:
    """How often each walk changes its direction along the first coordinate."""
    moves = torch.sign(points[1:, :, 0] - points[:-1, :, 0])
    return ((moves[1:] * moves[:-1]) < 0).sum(dim=0).double().numpy()


def racing(races: dict[tuple[str, str], Race], settings: Settings) -> list[Claim]:
    """What the lecture says of speed, each method at its best learning rate."""
    ravine = {m: by_seed(races["ravine", m].steps, settings) for m in METHODS}
    fast = {m: speed(races, m, settings) for m in METHODS}
    adaptive = np.mean([fast[m] for m in ADAPTIVE], axis=0)
    others = np.mean([fast[m] for m in METHODS if m not in ADAPTIVE], axis=0)
    return [
        judge(
            "With momentum we reach the local minimum faster.",
            source="000, Momentum",
            measure="updates down the ravine, SGD over momentum, best learning rates",
            values=ravine["sgd"] / ravine["momentum"],
            above=1.0,
        ),
        judge(
            "With Nesterov we converge faster.",
            source="000, NAG",
            measure="updates down the ravine, momentum over Nesterov, best learning rates",
            values=ravine["momentum"] / ravine["nesterov"],
            above=1.0,
            if_refuted="at its own best learning rate momentum needs no more updates.",
        ),
        judge(
            "Methods with an adaptive learning rate converge faster.",
            source=COMPARED,
            measure="mean log2 of updates to the goal over eight surfaces: the others less the "
            "adaptive ones, best learning rates",
            values=others - adaptive,
            above=0.0,
            if_refuted="at learning rates chosen for each surface plain momentum is as quick; what "
            "the adaptive ones save is that choice.",
        ),
    ]


def speed(races: dict[tuple[str, str], Race], method: str, settings: Settings) -> np.ndarray:
    """Mean log2 of the updates to the goal over all surfaces, by seed."""
    rows = [
        np.log2(np.maximum(by_seed(races[s.name, method].steps, settings), 1))
        for s in SURFACES.members()
    ]
    return np.mean(rows, axis=0)


def walking(settings: Settings) -> list[Claim]:
    """What the lecture says of single walks."""
    cubic = descend(SURFACES["cubic"], optim.make("sgd", lr=0.01), 1000, start=(1.0,))
    saddle = {m: by_seed(across_saddle(m, settings), settings) for m in ("sgd", "momentum")}
    return [
        judge(
            "SGD zigzags where the error changes fast in one direction and slowly in another.",
            source="000, SGD",
            measure="turns across the ravine, learning rate 0.09, 100 updates",
            values=by_seed(across_ravine(settings), settings),
            above=20,
        ),
        judge(
            "SGD may get stuck at points of zero gradient, such as that of x^3.",
            source="000, SGD",
            measure="x after 1,000 updates from 1 on x^3, learning rate 0.01",
            values=float(cubic.points[-1]),
            above=0.0,
            below=0.1,
        ),
        judge(
            "Algorithms with momentum oscillate at saddle points before they find the way.",
            source=COMPARED,
            measure="turns along the saddle's steep axis in 60 updates: momentum less SGD, "
            "learning rate 0.1",
            values=saddle["momentum"] - saddle["sgd"],
            above=0.0,
        ),
    ]


def across_saddle(method: str, settings: Settings) -> np.ndarray:
    """Turns along the first axis of the saddle, the steep one."""
    surface = SURFACES["saddle"]
    starts = torch.cat([starts_near(surface, seed) for seed in settings.runs])
    return turns(descend(surface, optim.make(method, lr=0.1), 60, start=starts).points)


def across_ravine(settings: Settings) -> np.ndarray:
    """Turns of SGD along the steep axis of the ravine."""
    surface = SURFACES["ravine"]
    starts = torch.cat([starts_near(surface, seed) for seed in settings.runs])
    points = descend(surface, optim.make("sgd", lr=0.09), 100, start=starts).points
    return turns(points.flip(-1))


def race_picture(races: dict[tuple[str, str], Race], settings: Settings) -> Picture:
    """Updates to the goal: optimizers by surfaces."""
    names = [surface.name for surface in SURFACES.members()]
    table = np.array([[float(np.median(races[s, m].steps)) for s in names] for m in METHODS])
    limit = settings.pick(500, FAST_STEPS)
    wins = {
        m: int(((table[row] <= table.min(axis=0)) & (table[row] <= limit)).sum())
        for row, m in enumerate(METHODS)
    }
    best = max(wins, key=wins.__getitem__)
    drawn, ((axes,),) = figure(
        f"No optimizer wins everywhere; {best} is first on {wins[best]} of {len(names)} surfaces",
        f"Median updates to the goal at the best of several learning rates, "
        f"{STARTS * len(settings.runs)} starts; > {limit}: not reached",
        height=3.6,
    )
    heat(axes, np.log10(table), rows=METHODS, columns=names, text="", cmap=SEQUENTIAL.reversed())
    for (row, column), value in np.ndenumerate(table):
        dark = np.log10(value) < np.log10(table).min() + 0.45 * np.ptp(np.log10(table))
        text = f"> {limit}" if value > limit else f"{value:.0f}"
        axes.text(column, row, text, ha="center", va="center", color="white" if dark else "#1c2126")
    return Picture("race", drawn, "Dark is quick.")


def walks(races: dict[tuple[str, str], Race], settings: Settings) -> Animation:
    """The first start on four surfaces, all optimizers."""
    frames, updates = settings.pick(60, 30), 90

    def median(method: str) -> str:
        return f"{np.median(races['ravine', method].steps):.0f}"

    drawn, panels = figure(
        f"Down the ravine SGD needs {median('sgd')} updates, momentum {median('momentum')}, "
        f"Nesterov {median('nesterov')}, Adam {median('adam')}",
        "Each at the learning rate that suits it best there; white: start, star: minimum",
        rows=2, columns=2, width=10, height=8,
    )  # fmt: skip
    lines = []
    for axes, name in zip(panels.flat, SHOWN, strict=True):
        surface = SURFACES[name]
        x, y, value = (part.numpy() for part in surface.grid(161))
        low = value.min() if not math.isfinite(surface.lowest) else surface.lowest
        height = np.log10(value - low + 0.02)
        steps = np.round(24 * (height - height.min()) / np.ptp(height))  # as contours show it
        axes.imshow(
            steps, cmap=SEQUENTIAL.reversed(), alpha=0.55, origin="lower", aspect="auto",
            extent=(x.min(), x.max(), y.min(), y.max()),
        )  # fmt: skip
        axes.set(xlim=surface.bounds[0], ylim=surface.bounds[1])
        for minimum in surface.minima:
            axes.plot(*minimum, "*", color=COLOURS["black"], ms=11)
        for place, method in enumerate(METHODS):
            points = races[name, method].points[:, 0].numpy()
            (line,) = axes.plot([], [], color=f"C{place}", lw=1.8, label=method)
            (head,) = axes.plot([], [], "o", color=f"C{place}", ms=6, mec="white")
            lines.append((line, head, points))
        axes.plot(*races[name, "sgd"].points[0, 0], "o", color="white", mec=COLOURS["black"], ms=7)
        title_panel(axes, surface.title)
        axes.grid(visible=False)
    panels[0, 0].legend(loc="upper right", ncols=2, frameon=True, framealpha=0.85, edgecolor="none")

    def draw(frame: int) -> None:
        step = round(updates * ((frame + 1) / frames) ** 1.5)
        for line, head, points in lines:
            done = points[: step + 1]
            line.set_data(done[:, 0], done[:, 1])
            head.set_data(done[-1:, 0], done[-1:, 1])

    return Animation("walks", drawn, draw, frames, f"The first {updates} updates, slow at first.")
