"""The optimizers as the lectures write them, laid beside torch's.

:number: 15
:question: Who overshoots, and which of the written forms are right?
:source: 000, sections "Momentum", "NAG" and "Adam"; 003, "ADAM"
:minutes: 0.1

The lectures' formulas of momentum, Nesterov and Adam are carried out literally on x^2 / 2 from 1
and laid beside torch's steps; where one is wrong, the form that torch carries out is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from torchclinic import optim
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.style import COLOURS, figure, title_panel

MOMENTUM, NESTEROV, ADAM = "000, Momentum", "000, NAG", "000, Adam"
METHODS = ("sgd", "momentum", "nesterov")


def run(settings: Settings) -> Outcome:
    """Look at overshoots, and carry out the formulas."""
    overshoots = {m: [overshoot(m, seed) for seed in settings.runs] for m in METHODS}
    settings.tell(0.5, "the formulas")
    return Outcome(
        claims=(*rolling(overshoots), *momentum_forms(), *adam_forms()),
        numbers={f"overshoot, {m}": float(np.mean(v)) for m, v in overshoots.items()},
        pictures=(overshoot_picture(),),
    )


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


def rolling(overshoots: dict[str, list[float]]) -> list[Claim]:
    """What the lecture says of momentum and of fading learning rates."""
    return [
        judge(
            "With momentum we may roll out beyond the minimum.",
            source=MOMENTUM,
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
            "Adagrad's learning rate inevitably fades.",
            source="000, Adagrad",
            measure="size of update 1,000 over that of update 1 under a gradient of 1",
            values=adagrad_fade(),
            below=0.05,
        ),
    ]


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


def momentum_forms() -> list[Claim]:
    """Momentum and Nesterov, carried out as they are written."""
    rate, rho, steps = 0.1, 0.9, 100
    torchs = {name: bowl(name, rate, steps) for name in ("momentum", "nesterov")}
    plain = nesterov(rate, rho, steps, ahead=lambda w, _: w)
    forward = nesterov(rate, rho, steps, ahead=lambda w, v: w + rho * v)
    right = nesterov(rate, rho, steps, ahead=lambda w, v: w - rate * rho * v, shifted=True)
    return [
        judge(
            "Momentum: v <- rho v + grad L(w), w <- w - eta v.",
            source=MOMENTUM,
            measure="largest difference from torch's SGD with momentum in 100 updates",
            values=float((plain - torchs["momentum"]).abs().max()),
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


def adam_forms() -> list[Claim]:
    """Adam, carried out as it is written."""
    rate, steps = 0.1, 100
    torchs = bowl("adam", rate, steps)
    powers = float((adam(rate, steps, power=True) - torchs).abs().max())
    return [
        judge(
            "Adam: in 1 - beta^t the t is no power but a number; beta is one constant.",
            source="003, ADAM",
            measure="largest difference from torch's Adam in 100 updates",
            values=float((adam(rate, steps, power=False) - torchs).abs().max()),
            below=1e-9,
            if_refuted="it is a power: the sum of the weights of t gradients in m_t is 1 - beta^t. "
            "With a constant in its place every later step is 0.32 of what it should be. With the "
            f"power the difference from torch is {powers:.0e}.",
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


def overshoot_picture() -> Picture:
    """The bowl, seen over time."""
    drawn, panels = figure(
        "Momentum rolls through the minimum, Nesterov less far; the written form runs away",
        "x^2 / 2 from 1, momentum 0.9",
        columns=3, height=3.4, sharey=True,
    )  # fmt: skip
    shades = dict(
        zip(METHODS, (COLOURS["blue"], COLOURS["vermilion"], COLOURS["green"]), strict=True)
    )
    for axes, rate in zip(panels.flat, (0.01, 0.1, 0.3), strict=True):
        for method in METHODS:
            axes.plot(bowl(method, rate, 60), color=shades[method], label=method)
        written = nesterov(rate, 0.9, 60, ahead=lambda w, v: w + 0.9 * v)
        shown = torch.where(written.abs() < 1.6, written, torch.nan)
        axes.plot(shown, color=COLOURS["black"], ls=":", label="NAG as in 000")
        title_panel(axes, f"learning rate {rate:g}", x="update")
        axes.set_ylim(-1.2, 1.6)
    panels[0, 0].legend()
    return Picture("overshoot", drawn, "Below zero is beyond the minimum.")
