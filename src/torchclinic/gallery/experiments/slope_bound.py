"""The sigmoid's slope is at most 1/4, and depth multiplies slopes.

:number: 2
:question: Why does the gradient fade, by how much a layer, and is it so for other activations?
:source: 000, section "Fading of the gradient"; 003, "Blurring of the gradient"
:minutes: 0.1

The lecture bounds the gradient of a chain of five sigmoid neurons by (1/4)^5 times the product of
the weights. Here the bound is tried on random chains, and the same is measured for every layer of
wide nets of 30 layers with weights of variance s^2 / n, for each activation and several s.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from torchclinic.functional import ACTIVATIONS
from torchclinic.gallery import Outcome, Picture, Settings, judge
from torchclinic.gallery.style import (
    COLOURS,
    DIVERGING,
    band,
    figure,
    heat,
    label_ends,
    title_panel,
)

PLACE = "000, Fading of the gradient"
NAMES = ("sigmoid", "tanh", "softsign", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish")
SCALES = (0.5, 1.0, 1.5, 2.0, 5.0, 20.0)
LAYERS, CHAIN = 30, 5


def run(settings: Settings) -> Outcome:
    """Slopes, the bound on chains, and gradient by depth in wide nets."""
    width = settings.pick(300, 100)
    slopes = {name: slope_facts(name) for name in NAMES}
    settings.tell(0.1, "chains of sigmoids")
    chains = [chain_ratios(seed) for seed in settings.runs]
    long_chains = [chain_decades(seed, weight=20.0) for seed in settings.runs]
    profiles: dict[tuple[str, float], np.ndarray] = {}
    for place, name in enumerate(NAMES):
        settings.tell(0.2 + 0.7 * place / len(NAMES), f"nets of {LAYERS} layers: {name}")
        for scale in SCALES:
            rows = [gradient_by_layer(name, scale, width, seed) for seed in settings.runs]
            profiles[name, scale] = np.array(rows)
    decades = {key: per_layer(rows) for key, rows in profiles.items()}

    claims = (
        judge(
            "The largest value of the sigmoid's derivative is 1/4.",
            source=PLACE,
            measure="largest slope of the sigmoid, by autograd on a grid of 200,001 points",
            values=slopes["sigmoid"]["largest"],
            above=0.25 - 1e-9,
            below=0.25 + 1e-9,
        ),
        judge(
            "dL/dx is at most (1/4)^5 dL/dy times the product of the five weights.",
            source=PLACE,
            measure="largest gradient over bound in 20,000 random chains",
            values=[float(ratios.max()) for ratios in chains],
            below=1.0 + 1e-9,
            reason=f"The median chain has {np.median(np.concatenate(chains)):.2g} of the bound.",
        ),
        judge(
            "Only for x near zero does the derivative differ noticeably from zero.",
            source="003, Blurring of the gradient",
            measure="slope of the sigmoid at |x| = 5 over that at 0",
            values=sigmoid_slope(5.0) / sigmoid_slope(0.0),
            below=0.05,
        ),
        judge(
            "The gradient fades exponentially if the weights are small.",
            source=PLACE,
            measure="decades a layer, sigmoid, weights of variance 1/n",
            values=decades["sigmoid", 1.0],
            below=-0.3,
        ),
        judge(
            "If the weights are large, the gradient grows exponentially: all explodes.",
            source=PLACE,
            measure="decades a layer, chain of single sigmoids with weights from N(0, 20^2)",
            values=long_chains,
            above=0.0,
            if_refuted="a large weight also drives the next sigmoid into its flat part, where the "
            "slope falls faster than the weight grows.",
        ),
        judge(
            "If the weights are large, the gradient grows exponentially: all explodes.",
            source=PLACE,
            measure=f"decades a layer, sigmoid layers of {width} units, weights 20 N(0, 1/n)",
            values=decades["sigmoid", 20.0],
            above=0.0,
            if_holds="in a wide layer some units always lie in the steep part, so that what the "
            "chain of single neurons does not do, the net does.",
        ),
        judge(
            "For some activations it is not as catastrophic, but unpleasant too.",
            source=PLACE,
            measure="decades a layer, ReLU, weights of variance 1/n",
            values=decades["relu", 1.0],
            above=-0.3,
            below=-0.05,
            reason="Half of the units pass nothing: theory says log10 sqrt(1/2) = -0.151.",
        ),
    )
    numbers = {f"largest slope, {n}": facts["largest"] for n, facts in slopes.items()}
    numbers |= {f"rms slope for N(0, 1), {n}": facts["rms"] for n, facts in slopes.items()}
    numbers |= {
        f"decades a layer, {n}, scale {scale:g}": float(np.mean(values))
        for (n, scale), values in decades.items()
    }
    return Outcome(
        claims=claims,
        numbers=numbers,
        pictures=(
            fading(profiles, decades, settings, width),
            slopes_picture(slopes),
            regimes(decades, settings, width),
        ),
    )


def slope(name: str, x: Tensor) -> Tensor:
    """Derivative of an activation, by autograd."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(ACTIVATIONS[name].function(x).sum(), x)[0]


def slope_facts(name: str) -> dict[str, float]:
    """Largest slope, and the root mean square slope for standard normal inputs."""
    grid = torch.linspace(-10, 10, 200_001, dtype=torch.float64)
    values = slope(name, grid)
    density = torch.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    mean_square = torch.trapezoid(values**2 * density, grid)
    return {"largest": float(values.max()), "rms": float(mean_square.sqrt())}


def sigmoid_slope(x: float) -> float:
    """sigma(x) (1 - sigma(x))."""
    return float(slope("sigmoid", torch.tensor([x], dtype=torch.float64)))


def chain_ratios(seed: int, chains: int = 20_000) -> np.ndarray:
    """|dL/dx| over the lecture's bound, in random chains of five sigmoid neurons."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(CHAIN, chains, generator=generator, dtype=torch.float64)
    x = torch.randn(chains, generator=generator, dtype=torch.float64).requires_grad_()
    z = x
    for weight in weights:
        z = torch.sigmoid(weight * z)
    (gradient,) = torch.autograd.grad(z.sum(), x)
    return (gradient.abs() / (0.25**CHAIN * weights.prod(0).abs())).numpy()


def chain_decades(seed: int, weight: float, chains: int = 2000) -> float:
    """Median of log10 |dL/dx| a layer in chains of single sigmoids."""
    generator = torch.Generator().manual_seed(seed)
    weights = weight * torch.randn(CHAIN, chains, generator=generator, dtype=torch.float64)
    x = torch.randn(chains, generator=generator, dtype=torch.float64).requires_grad_()
    z = x
    for factor in weights:
        z = torch.sigmoid(factor * z)
    (gradient,) = torch.autograd.grad(z.sum(), x)
    return float(gradient.abs().clamp_min(1e-300).log10().median()) / CHAIN


def gradient_by_layer(name: str, scale: float, width: int, seed: int) -> np.ndarray:
    """Root mean square gradient at the input of each layer, over that at the last one's output."""
    generator = torch.Generator().manual_seed(seed)
    h = torch.randn(32, width, generator=generator).requires_grad_()
    inputs = [h]
    for _ in range(LAYERS):
        weight = torch.randn(width, width, generator=generator) * scale / math.sqrt(width)
        h = ACTIVATIONS[name].function(h @ weight)
        inputs.append(h)
    sent = torch.randn(h.shape, generator=generator)
    gradients = torch.autograd.grad(h, inputs, sent)
    return np.array([float(g.double().square().mean().sqrt()) for g in gradients])


def per_layer(rows: np.ndarray) -> list[float]:
    """Decades by which the gradient changes from one layer to the one before it, by seed."""
    first, last = np.maximum(rows[:, 0], 1e-45), rows[:, -1]
    return [float(value) for value in (np.log10(first) - np.log10(last)) / LAYERS]


def fading(
    profiles: dict[tuple[str, float], np.ndarray],
    decades: dict[tuple[str, float], list[float]],
    settings: Settings,
    width: int,
) -> Picture:
    """Gradient by layer for five activations."""
    factor = 10 ** -float(np.mean(decades["sigmoid", 1.0]))
    drawn, ((axes,),) = figure(
        f"Each sigmoid layer divides the gradient by {factor:.1f}, each ReLU layer by "
        f"{10 ** -float(np.mean(decades['relu', 1.0])):.1f}",
        f"Gradient at the input of each of {LAYERS} layers of {width} units, weights of variance "
        f"1/n, mean and range of {len(settings.runs)} seeds",
        height=4.8,
    )
    for name in ("sigmoid", "softsign", "tanh", "relu", "gelu", "selu"):
        band(axes, range(LAYERS + 1), profiles[name, 1.0], label=name)
    axes.set_yscale("log")
    title_panel(axes, x="layer, 0 is the input", y="gradient, output = 1", whole=True)
    label_ends_left(axes)
    return Picture("fading", drawn, "Read from right to left: from the output to the input.")


def label_ends_left(axes) -> None:  # noqa: ANN001 - matplotlib's
    """The names go where the curves differ: the gradient ends at the left."""
    axes.invert_xaxis()
    for line in axes.get_lines():
        line.set_xdata(np.asarray(line.get_xdata())[::-1])
        line.set_ydata(np.asarray(line.get_ydata())[::-1])
    label_ends(axes)


def slopes_picture(slopes: dict[str, dict[str, float]]) -> Picture:
    """Every activation with its slope."""
    drawn, panels = figure(
        "The sigmoid's slope is at most 1/4; the others reach 1",
        "Activation (grey) and slope (blue), largest slope in the corner",
        rows=2, columns=5, height=4.6, sharex=True, sharey=True,
    )  # fmt: skip
    x = torch.linspace(-6, 6, 601)
    for axes, (name, facts) in zip(panels.flat, slopes.items(), strict=True):
        axes.plot(x, ACTIVATIONS[name].function(x), color=COLOURS["grey"], lw=1.4)
        axes.plot(x, slope(name, x), color=COLOURS["blue"])
        axes.set_title(name)
        axes.set_ylim(-1.2, 2.2)
        axes.text(0.04, 0.93, f"{facts['largest']:.2f}", transform=axes.transAxes, va="top",
                  color=COLOURS["blue"], fontsize=12)  # fmt: skip
    return Picture("slopes", drawn, "Where the blue curve is low, little gradient passes.")


def regimes(
    decades: dict[tuple[str, float], list[float]], settings: Settings, width: int
) -> Picture:
    """Decades a layer by activation and scale of the weights."""
    table = [[np.mean(decades[name, scale]) for scale in SCALES] for name in NAMES]
    drawn, ((axes,),) = figure(
        "No one scale of the weights suits all activations",
        f"Decades by which the gradient changes a layer (0 keeps it); {LAYERS} layers of {width} "
        f"units, mean of {len(settings.runs)} seeds",
        width=8.5,
        height=4.6,
    )
    heat(
        axes, table, rows=NAMES, columns=[f"{scale:g}" for scale in SCALES], text="{:+.2f}",
        low=-1, high=1, cmap=DIVERGING,
    )  # fmt: skip
    axes.set_xlabel("standard deviation of the weights, times sqrt(n)")
    return Picture("regimes", drawn, "Orange fades, blue explodes.")
