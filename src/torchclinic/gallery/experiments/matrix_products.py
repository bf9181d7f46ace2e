"""A product of Gaussian matrices spreads as the square root of the inputs.

:number: 4
:question: How is Y = X W distributed, and do 1/sqrt(fan_in) and the gains keep its scale?
:source: 001, section 1.3 "And how is it right?"
:minutes: 0.1

The lecture multiplies X of 1000 x 10 and W of 10 x 200 with standard normal entries and sees the
values spread. It leaves the distribution of Y as an exercise, and names gain / sqrt(fan) as the
precise remedy. The answer to the exercise: each entry is a sum of k products of two normals, a
variance-gamma variable with mean 0, variance k and excess kurtosis 6/k.
"""

from __future__ import annotations

import math

import numpy as np
import torch

import torchclinic as tc
from torchclinic.functional import ACTIVATIONS
from torchclinic.gallery import Outcome, Picture, Settings, judge
from torchclinic.gallery.style import COLOURS, band, figure, label_ends, title_panel

PLACE = "001, 1.3 And how is it right?"
INPUTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
GAINS = ("relu", "leaky_relu", "tanh", "selu", "gelu", "sigmoid")
LAYERS = 20


def run(settings: Settings) -> Outcome:
    """Spread against k, the shape of Y for k = 10, and the gains over 20 layers."""
    rows, columns = settings.pick((1000, 200), (500, 100))
    settings.tell(0.0, "products of matrices")
    stds = np.array(
        [[product(k, rows, columns, seed).std() for k in INPUTS] for seed in settings.runs]
    )
    exponents = [float(np.polyfit(np.log(INPUTS), np.log(row), 1)[0]) for row in stds]
    scaled = [float(product(1000, rows, columns, s).std()) / math.sqrt(1000) for s in settings.runs]
    kurtoses = [excess_kurtosis(product(10, 1000, 200, seed)) for seed in settings.runs]
    width = settings.pick(512, 256)
    depth = {}
    for place, name in enumerate(GAINS):
        settings.tell(0.3 + 0.6 * place / len(GAINS), f"gain of {name}")
        depth[name] = np.array([by_depth(name, width, seed) for seed in settings.runs])

    claims = (
        judge(
            "The distribution has spread: its standard deviation grows as sqrt(k).",
            source=PLACE,
            measure="exponent of k in the standard deviation of X W, k from 1 to 1000",
            values=exponents,
            above=0.48,
            below=0.52,
        ),
        judge(
            "Weights divided by sqrt(fan_in) correct it.",
            source=PLACE,
            measure="standard deviation of X W / sqrt(k) for k = 1000",
            values=scaled,
            above=0.97,
            below=1.03,
        ),
        judge(
            "Exercise: how is Y = X W distributed? (No normal: excess kurtosis 6/k.)",
            source=PLACE,
            measure="excess kurtosis for k = 10 (theory: 0.6)",
            values=kurtoses,
            above=0.3,
            below=0.9,
        ),
        *(gain_claim(name, rows) for name, rows in depth.items() if name != "gelu"),
    )
    numbers = {f"std of X W, k = {k}": float(v) for k, v in zip(INPUTS, stds.mean(0), strict=True)}
    numbers |= {f"gain, {name}": tc.init.gain(name) for name in GAINS}
    numbers |= {f"std after {LAYERS} layers, {n}": float(v[:, -1].mean()) for n, v in depth.items()}
    numbers["excess kurtosis, k = 10"] = float(np.mean(kurtoses))
    return Outcome(
        claims=claims,
        numbers=numbers,
        pictures=(spreading(stds, settings), by_depth_picture(depth, settings, width)),
    )


def product(k: int, rows: int, columns: int, seed: int) -> np.ndarray:
    """X W with standard normal entries."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, k, generator=generator)
    return (x @ torch.randn(k, columns, generator=generator)).numpy()


def excess_kurtosis(y: np.ndarray) -> float:
    """Fourth moment over squared second moment, less 3."""
    return float((y**4).mean() / (y**2).mean() ** 2 - 3)


def by_depth(name: str, width: int, seed: int) -> np.ndarray:
    """Standard deviation of the pre-activations by layer, weights gain / sqrt(fan_in)."""
    generator = torch.Generator().manual_seed(seed)
    h = torch.randn(256, width, generator=generator)
    stds = []
    for _ in range(LAYERS):
        weight = torch.randn(width, width, generator=generator) / math.sqrt(width)
        z = h @ weight if not stds else h @ weight * tc.init.gain(name)
        stds.append(float(z.std()))
        h = ACTIVATIONS[name].function(z)
    return np.array(stds)


def gain_claim(name: str, rows: np.ndarray):  # noqa: ANN201 - a Claim
    """Whether the scale stays where it was over 20 layers."""
    why = {
        "tanh": "5/3 is no fixed point: E[tanh(z)^2] for z from N(0, 1) is 0.394, for which the "
        "gain 1.59 would be right, and the scale settles where 5/3 is.",
        "selu": "torch's 3/4 is chosen for stable gradients; what keeps the scale of a SELU is 1, "
        "as LeCun's initialisation has it.",
        "sigmoid": "its gain 1 makes up neither for the slope of 1/4 nor for the mean of 1/2: the "
        "sum of the squares is kept up by that mean, not by what tells the inputs apart.",
    }.get(name, "")
    return judge(
        "For precision: std = gain(f) / sqrt(fan) keeps the scale.",
        source=PLACE,
        measure=f"{name}, gain {tc.init.gain(name):.3f}: std of layer {LAYERS} over layer 1",
        values=[float(row[-1] / row[0]) for row in rows],
        above=0.5,
        below=2.0,
        if_refuted=why,
        if_not_settled=why or "the scale of a finite net wanders from layer to layer.",
    )


def spreading(stds: np.ndarray, settings: Settings) -> Picture:
    """Histograms of X and X W, and the spread against k."""
    drawn, ((left, right),) = figure(
        "Ten inputs spread a standard normal by sqrt(10) = 3.2, a thousand by 32",
        f"X and W have standard normal entries; right: mean, range, {len(settings.runs)} seeds",
        columns=2,
    )
    title_panel(left, "k = 10, as in the lecture", x="value", y="density")
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1000 * 10, generator=generator).numpy()
    y = product(10, 1000, 200, 0).ravel()
    bins = np.linspace(-12, 12, 97)
    for values, label, shade in ((x, "X", "blue"), (y, "Y = X W", "vermilion")):
        left.hist(values, bins, density=True, color=COLOURS[shade], alpha=0.55, label=label)
    density = np.exp(-(bins**2) / 20) / math.sqrt(20 * math.pi)
    left.plot(bins, density, color=COLOURS["black"], lw=1.3, ls="--", label="N(0, 10)")
    left.legend()
    title_panel(right, "Standard deviation of Y", x="k, inputs of each sum")
    band(right, INPUTS, stds, label="measured")
    right.plot(INPUTS, np.sqrt(INPUTS), color=COLOURS["black"], lw=1.3, ls="--", label="sqrt(k)")
    right.loglog()
    right.legend()
    return Picture("spreading", drawn, "Y is wider than X, and more peaked than a normal.")


def by_depth_picture(depth: dict[str, np.ndarray], settings: Settings, width: int) -> Picture:
    """Scale of the pre-activations by layer, each activation with its gain."""
    lost = [
        n for n, rows in depth.items() if not 0.5 < float((rows[:, -1] / rows[:, 0]).mean()) < 2
    ]
    drawn, ((axes,),) = figure(
        f"gain / sqrt(fan_in) keeps the scale, except for {', '.join(lost) or 'none'}",
        f"Standard deviation of the pre-activations, {LAYERS} layers of {width} units, mean and "
        f"range of {len(settings.runs)} seeds",
    )
    for name, rows in depth.items():
        band(axes, range(1, LAYERS + 1), rows, label=f"{name}, gain {tc.init.gain(name):.2f}")
    axes.set_ylim(0, 2)
    title_panel(axes, x="layer", whole=True)
    label_ends(axes)
    return Picture("gains", drawn, "1 keeps the scale of the first layer.")
