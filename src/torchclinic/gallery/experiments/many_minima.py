"""Many local minima: who finds the deepest.

:number: 15
:question: Do adaptive learning rates help to get out of local minima?
:source: 000, section "Comparison of the optimizers"
:minutes: 0.1

Six optimizers start a hundred times a seed anywhere on Rastrigin's and Levy's functions, which are
full of local minima, and each has the learning rate of a grid with which it finds the deepest one
most often.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from torchclinic import optim
from torchclinic.gallery import Outcome, Picture, Settings, judge
from torchclinic.gallery.style import dots, figure
from torchclinic.optim import SURFACES, descend
from torchclinic.optim.surfaces import Surface

METHODS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
ADAPTIVE = ("adagrad", "rmsprop", "adam")
MANY = ("rastrigin", "levy")
RATES = (3e-3, 1e-2, 3e-2, 0.1, 0.2, 0.4)
STARTS = 100  # a seed
NEAR = 0.05  # found: no more than this above the lowest value


def run(settings: Settings) -> Outcome:
    """Start anywhere, and count who arrives at the deepest place."""
    hits: dict[str, list[float]] = {}
    for place, method in enumerate(METHODS):
        settings.tell(place / len(METHODS), method)
        hits[method] = successes(method, settings)
    adaptive = np.mean([hits[m] for m in ADAPTIVE], axis=0)
    others = np.mean([hits[m] for m in METHODS if m not in ADAPTIVE], axis=0)
    claim = judge(
        "Algorithms without an adaptive learning rate get out of local minima less easily.",
        source="000, Comparison of the optimizers",
        measure="share of random starts on Rastrigin and Levy that find the deepest minimum, "
        "adaptive less others, best learning rates",
        values=adaptive - others,
        above=0.0,
        if_refuted="what leaves a dent is a large step; those of the adaptive ones do not grow "
        "where the walls are steep, and Adagrad's shrink.",
    )
    return Outcome(
        claims=(claim,),
        numbers={f"deepest minimum found, {m}": float(np.mean(v)) for m, v in hits.items()},
        pictures=(minima_picture(hits, settings),),
    )


def successes(method: str, settings: Settings) -> list[float]:
    """Share of random starts that end in the deepest minimum, by seed; mean over the surfaces."""
    shares = [best_shares(SURFACES[name], method, settings) for name in MANY]
    return torch.stack(shares).mean(dim=0).tolist()


def best_shares(surface: Surface, method: str, settings: Settings) -> Tensor:
    """The same on one surface, at the learning rate that is best on average."""
    starts = torch.cat([anywhere(surface, seed) for seed in settings.runs])
    found = []
    for rate in RATES:
        way = descend(surface, optim.make(method, lr=rate), settings.pick(500, 100), start=starts)
        there = way.values[-1] < surface.lowest + NEAR
        found.append(there.double().reshape(len(settings.runs), STARTS).mean(dim=1))
    return max(found, key=lambda share: float(share.mean()))


def anywhere(surface: Surface, seed: int) -> Tensor:
    """Starts anywhere on the drawn part."""
    generator = torch.Generator().manual_seed(1000 + seed)
    low, high = torch.tensor(surface.bounds, dtype=torch.float64).T
    draws = torch.rand(STARTS, surface.dimension, generator=generator, dtype=torch.float64)
    return low + (high - low) * draws


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
