"""How optimizers walk: ravines, saddles, terraces, many minima.

:number: 15
:question: Who gets down which surface, who overshoots, and which of the written forms are right?
:source: 000, section "Optimisation of the weights"; 003, "Gradient descent"

SGD, momentum, Nesterov, Adagrad, RMSprop and Adam walk down eight test surfaces from starts around
the usual ones, each with the learning rate of a grid that suits it best there. The lectures'
formulas of momentum, Nesterov and Adam are carried out literally and laid beside torch's steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from torchclinic import optim
from torchclinic.gallery import Animation, Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.style import COLOURS, SEQUENTIAL, dots, figure, heat, title_panel
from torchclinic.optim import SURFACES
from torchclinic.optim.surfaces import Surface

PLACE, NESTEROV, ADAM = "000, Momentum", "000, NAG", "000, Adam"
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
    """Race, look at overshoots, and carry out the formulas."""
    races: dict[tuple[str, str], Race] = {}
    pairs = [(surface.name, method) for surface in SURFACES.members() for method in METHODS]
    for place, (surface, method) in enumerate(pairs):
        settings.tell(0.7 * place / len(pairs), f"{surface}: {method}")
        races[surface, method] = race(SURFACES[surface], method, settings)
    settings.tell(0.7, "random starts")
    hits = {m: successes(m, settings) for m in METHODS}
    overshoots = {m: [overshoot(m, seed) for seed in settings.runs] for m in METHODS[:3]}
    numbers = {
        f"median updates, {s}, {m}": float(np.median(r.steps)) for (s, m), r in races.items()
    }
    numbers |= {f"best learning rate, {s}, {m}": r.rate for (s, m), r in races.items()}
    numbers |= {f"deepest minimum found, {m}": float(np.mean(v)) for m, v in hits.items()}
    numbers |= {f"overshoot, {m}": float(np.mean(v)) for m, v in overshoots.items()}
    return Outcome(
        claims=(*walking(races, hits, overshoots, settings), *written_forms()),
        numbers=numbers,
        pictures=(
            race_picture(races, settings),
            overshoot_picture(),
            minima_picture(hits, settings),
        ),
        animations=(walks(races, settings),),
    )


def walk(
    surface: Surface,
    factory: Callable[[list[Tensor]], torch.optim.Optimizer],
    starts: Tensor,
    steps: int,
) -> Tensor:
    """Points of many walks at once, (steps + 1, starts, d): these methods know no neighbours."""
    at = starts.clone().requires_grad_()
    walker = factory([at])
    points = [starts]
    for _ in range(steps):
        walker.zero_grad()
        surface(at).sum().backward()
        walker.step()
        points.append(at.detach().clone())
    return torch.stack(points)


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
        points = walk(surface, optim.make(method, lr=rate), starts, steps)
        found.append(Race(rate, points, steps_to_goal(surface, points)))
    return min(found, key=lambda one: (float(np.median(one.steps)), float(one.steps.mean())))


def steps_to_goal(surface: Surface, points: Tensor) -> np.ndarray:
    """Updates until a walk has arrived for good, by start."""
    goal = surface.lowest + NEAR if math.isfinite(surface.lowest) else DOWN
    stays = (surface(points) <= goal).double().flip(0).cumprod(dim=0).flip(0)
    return torch.where(stays[-1] > 0, stays.argmax(dim=0), len(points)).numpy()


def successes(method: str, settings: Settings) -> list[float]:
    """Share of random starts on Rastrigin and Levy that end in the deepest minimum, by seed."""
    shares = []
    for name in ("rastrigin", "levy"):
        surface = SURFACES[name]
        starts = torch.cat([anywhere(surface, seed) for seed in settings.runs])
        found = []
        for rate in RATES[3:]:
            points = walk(
                surface, optim.make(method, lr=rate), starts, settings.pick(500, FAST_STEPS)
            )
            there = surface(points[-1]) < surface.lowest + NEAR
            found.append(there.double().reshape(len(settings.runs), -1).mean(dim=1))
        shares.append(max(found, key=lambda share: float(share.mean())))
    return torch.stack(shares).mean(dim=0).tolist()


def anywhere(surface: Surface, seed: int) -> Tensor:
    """A hundred starts anywhere on the drawn part."""
    generator = torch.Generator().manual_seed(1000 + seed)
    low, high = torch.tensor(surface.bounds, dtype=torch.float64).T
    draws = torch.rand(100, surface.dimension, generator=generator, dtype=torch.float64)
    return low + (high - low) * draws


def overshoot(method: str, seed: int) -> float:
    """How far beyond the minimum of x^2 / 2 a walk from 1 goes; mean over learning rates."""
    generator = torch.Generator().manual_seed(seed)
    rates = 10 ** (-2 + 1.5 * torch.rand(8, generator=generator, dtype=torch.float64))
    return float(np.mean([max(0.0, -float(bowl(method, rate).min())) for rate in rates.tolist()]))


def bowl(method: str, rate: float, steps: int = 120) -> Tensor:
    """A walk down x^2 / 2 from 1."""
    x = torch.ones(1, dtype=torch.float64, requires_grad=True)
    walker = optim.make(method, lr=rate)([x])
    places = [1.0]
    for _ in range(steps):
        walker.zero_grad()
        (x.square().sum() / 2).backward()
        walker.step()
        places.append(float(x.detach()))
    return torch.tensor(places, dtype=torch.float64)


def by_seed(values: np.ndarray, settings: Settings) -> np.ndarray:
    """Median over the starts of each seed."""
    return np.median(values.reshape(len(settings.runs), STARTS), axis=1)


def turns(points: Tensor) -> np.ndarray:
    """How often each walk changes its direction along the first coordinate."""
    moves = torch.sign(points[1:, :, 0] - points[:-1, :, 0])
    return ((moves[1:] * moves[:-1]) < 0).sum(dim=0).double().numpy()


def walking(
    races: dict[tuple[str, str], Race],
    hits: dict[str, list[float]],
    overshoots: dict[str, list[float]],
    settings: Settings,
) -> list[Claim]:
    """What the lecture says of walks."""
    ravine = {m: by_seed(races["ravine", m].steps, settings) for m in METHODS}
    cubic = walk(
        SURFACES["cubic"], optim.make("sgd", lr=0.01), torch.ones(1, 1, dtype=torch.float64), 1000
    )
    fast = {m: speed(races, m, settings) for m in METHODS}
    adaptive = np.mean([fast[m] for m in ADAPTIVE], axis=0)
    others = np.mean([fast[m] for m in METHODS if m not in ADAPTIVE], axis=0)
    saddle = {m: by_seed(turns(swings(m, settings)), settings) for m in ("sgd", "momentum")}
    gain = np.mean([hits[m] for m in ADAPTIVE], axis=0) - np.mean(
        [hits[m] for m in METHODS[:3]], axis=0
    )
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
            values=float(cubic[-1, 0, 0]),
            above=0.0,
            below=0.1,
        ),
        judge(
            "With momentum we reach the local minimum faster.",
            source=PLACE,
            measure="updates down the ravine, SGD over momentum, best learning rates",
            values=ravine["sgd"] / ravine["momentum"],
            above=1.0,
        ),
        judge(
            "With momentum we may roll out beyond the minimum.",
            source=PLACE,
            measure="overshoot on x^2 / 2 from 1, mean over learning rates 0.01 to 0.3",
            values=overshoots["momentum"],
            above=0.1,
        ),
        judge(
            "With Nesterov the overshoots are less significant.",
            source=NESTEROV,
            measure="overshoot on x^2 / 2: momentum less Nesterov",
            values=np.subtract(overshoots["momentum"], overshoots["nesterov"]),
            above=0.0,
        ),
        judge(
            "With Nesterov we converge faster.",
            source=NESTEROV,
            measure="updates down the ravine, momentum over Nesterov, best learning rates",
            values=ravine["momentum"] / ravine["nesterov"],
            above=1.0,
            if_refuted="at its own best learning rate momentum needs no more updates.",
        ),
        judge(
            "Adagrad's learning rate inevitably fades.",
            source="000, Adagrad",
            measure="size of update 1,000 over that of update 1 under a gradient of 1",
            values=adagrad_fade(),
            below=0.05,
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
        judge(
            "Algorithms without an adaptive learning rate get out of local minima less easily.",
            source=COMPARED,
            measure="share of random starts on Rastrigin and Levy that find the deepest minimum, "
            "adaptive less others, best learning rates",
            values=gain,
            above=0.0,
            if_refuted="what leaves a dent is a large step; those of the adaptive ones do not grow "
            "where the walls are steep, and Adagrad's shrink.",
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


def speed(races: dict[tuple[str, str], Race], method: str, settings: Settings) -> np.ndarray:
    """Mean log2 of the updates to the goal over all surfaces, by seed."""
    rows = [
        np.log2(np.maximum(by_seed(races[s.name, method].steps, settings), 1))
        for s in SURFACES.members()
    ]
    return np.mean(rows, axis=0)


def swings(method: str, settings: Settings) -> Tensor:
    """Walks over the saddle at one learning rate."""
    surface = SURFACES["saddle"]
    starts = torch.cat([starts_near(surface, seed) for seed in settings.runs])
    return walk(surface, optim.make(method, lr=0.1), starts, 60)


def across_ravine(settings: Settings) -> np.ndarray:
    """Turns of SGD along the steep axis of the ravine."""
    surface = SURFACES["ravine"]
    starts = torch.cat([starts_near(surface, seed) for seed in settings.runs])
    points = walk(surface, optim.make("sgd", lr=0.09), starts, 100)
    return turns(points.flip(-1))


def adagrad_fade() -> float:
    """Update 1,000 over update 1 of Adagrad when the gradient stays 1."""
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    walker = optim.make("adagrad", lr=0.1)([x])
    moves = []
    for _ in range(1000):
        before = float(x.detach())
        x.grad = torch.ones_like(x)
        walker.step()
        moves.append(abs(float(x.detach()) - before))
    return moves[-1] / moves[0]


def written_forms() -> list[Claim]:
    """The lectures' formulas, carried out as they are written, on x^2 / 2 from 1."""
    rate, rho, steps = 0.1, 0.9, 100
    torchs = {name: bowl(name, rate, steps) for name in ("momentum", "nesterov", "adam")}
    forward = nesterov(rate, rho, steps, ahead=lambda w, v: w + rho * v)
    right = nesterov(rate, rho, steps, ahead=lambda w, v: w - rate * rho * v, shifted=True)
    return [
        judge(
            "Momentum: v <- rho v + grad L(w), w <- w - eta v.",
            source=PLACE,
            measure="largest difference from torch's SGD with momentum in 100 updates",
            values=float(
                (nesterov(rate, rho, steps, ahead=lambda w, _: w) - torchs["momentum"]).abs().max()
            ),
            below=1e-9,
        ),
        judge(
            "NAG: v <- rho v + grad L(w + rho v), w <- w - eta v.",
            source=NESTEROV,
            measure="|w| after 100 updates on w^2 / 2 from 1",
            values=float(forward[-1].abs()),
            below=1.0,
            if_refuted="w moves along -eta v, so that looking ahead is w - eta rho v; the written "
            "w + rho v looks back, and farther by 1 / eta.",
        ),
        judge(
            "NAG, put right: v <- rho v + grad L(w - eta rho v), w <- w - eta v.",
            source=NESTEROV,
            measure="largest difference of w - eta rho v from torch's weights in 100 updates",
            values=float((right - torchs["nesterov"]).abs().max()),
            below=1e-9,
        ),
        judge(
            "Adam: in 1 - beta^t the t is no power but a number; beta is one constant.",
            source="003, ADAM",
            measure="largest difference from torch's Adam in 100 updates",
            values=float((adam(rate, steps, power=False) - torchs["adam"]).abs().max()),
            below=1e-9,
            if_refuted="it is a power: the sum of the weights of t gradients in m_t is 1 - beta^t. "
            "With a constant in its place every later step is 0.32 of what it should be. With the "
            "power the difference from torch is "
            f"{float((adam(rate, steps, power=True) - torchs['adam']).abs().max()):.0e}.",
        ),
        judge(
            "Adam: the correction is there so that the first steps are very large.",
            source=ADAM,
            measure="first step with the correction over that without",
            values=math.sqrt(1 - 0.999) / (1 - 0.9),
            above=1.0,
            if_refuted="a 'not' is missing: without it the first step is 0.1 g / sqrt(0.001 g^2) = "
            "3.2 learning rates, with it exactly one.",
        ),
    ]


def nesterov(
    rate: float,
    rho: float,
    steps: int,
    *,
    ahead: Callable[[float, float], float],
    shifted: bool = False,
) -> Tensor:
    """Carry out v <- rho v + grad L(ahead(w, v)), w <- w - rate v on w^2 / 2.

    `shifted` gives the places ahead(w, v) instead of w.
    """
    w, v = 1.0, 0.0
    places = [w]
    for _ in range(steps):
        v = rho * v + ahead(w, v)
        w -= rate * v
        places.append(ahead(w, v) if shifted else w)
    return torch.tensor(places, dtype=torch.float64)


def adam(
    rate: float, steps: int, *, power: bool, first: float = 0.9, second: float = 0.999
) -> Tensor:
    """Adam on w^2 / 2 with 1 - beta^t or, as the note has it, 1 - beta."""
    w, m, v = 1.0, 0.0, 0.0
    places = [w]
    for step in range(1, steps + 1):
        t = step if power else 1
        m, v = first * m + (1 - first) * w, second * v + (1 - second) * w * w
        w -= rate * (m / (1 - first**t)) / (math.sqrt(v / (1 - second**t)) + 1e-8)
        places.append(w)
    return torch.tensor(places, dtype=torch.float64)


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


def overshoot_picture() -> Picture:
    """The bowl, seen over time."""
    drawn, panels = figure(
        "Momentum rolls through the minimum, Nesterov less far; the written form runs away",
        "x^2 / 2 from 1, momentum 0.9",
        columns=3, height=3.4, sharey=True,
    )  # fmt: skip
    shades = dict(
        zip(METHODS[:3], (COLOURS["blue"], COLOURS["vermilion"], COLOURS["green"]), strict=True)
    )
    for axes, rate in zip(panels.flat, (0.01, 0.1, 0.3), strict=True):
        for method in METHODS[:3]:
            axes.plot(bowl(method, rate, 60), color=shades[method], label=method)
        written = nesterov(rate, 0.9, 60, ahead=lambda w, v: w + 0.9 * v)
        shown = torch.where(written.abs() < 1.6, written, torch.nan)
        axes.plot(shown, color=COLOURS["black"], ls=":", label="NAG as in 000")
        title_panel(axes, f"learning rate {rate:g}", x="update")
        axes.set_ylim(-1.2, 1.6)
    panels[0, 0].legend()
    return Picture("overshoot", drawn, "Below zero is beyond the minimum.")


def minima_picture(hits: dict[str, list[float]], settings: Settings) -> Picture:
    """Who finds the deepest of many minima."""
    best = max(hits, key=lambda m: float(np.mean(hits[m])))
    drawn, ((axes,),) = figure(
        f"Among many minima {best} finds the deepest from {np.mean(hits[best]):.0%} of the starts",
        f"Rastrigin and Levy, 100 random starts each, best learning rates, {len(settings.runs)} "
        "seeds",
        height=2.8,
    )
    dots(axes, hits, text="{:.0%}")
    axes.set_xlim(left=0)
    axes.set_xlabel("share of the starts")
    return Picture("minima", drawn, "Every seed is a dot.")


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
