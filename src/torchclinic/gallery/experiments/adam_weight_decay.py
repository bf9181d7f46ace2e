"""Adam with an L2 penalty against AdamW.

:number: 16
:question: What does Adam make of an L2 penalty, and is AdamW always better?
:source: lecture 000, Adam, "L2-loss"
:minutes: 0.2

"In Adam the L2 loss is not taken into account quite correctly. Therefore there is a corrected
version of Adam, AdamW. But it is not a fact that it always works better."

Why: Adam divides the whole gradient, penalty included, by the size of the gradients. A weight whose
gradients are large is then pulled to zero less than one whose gradients are small. That is measured
on weights that get nothing but noise as gradient, of sizes from 0.01 to 100. Then both are trained
on few images over a grid of penalties.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import nn

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import images, pixels
from torchclinic.gallery.style import COLOURS, band, figure, label_ends, title_panel
from torchclinic.gallery.text.numbers import points
from torchclinic.nn.nets import MLP
from torchclinic.optim import make

LECTURE = "000, Adam, L2-loss"
SIZES = (0.01, 0.1, 1.0, 10.0, 100.0)
UPDATES, RATE, DECAY = 1000, 1e-3, 0.5
DECAYS = {"adam": (0.0, 1e-4, 1e-3, 1e-2, 1e-1), "adamw": (0.0, 1e-2, 1e-1, 1.0, 3.0)}
TITLES = {"adam": "Adam + L2", "adamw": "AdamW"}
SHADES = {"adam": "vermilion", "adamw": "blue"}
FEW = 300  # rows: enough to learn, few enough to overfit


def share_left(name: str, size: float, seed: int, decay: float = DECAY) -> float:
    """Mean of a thousand weights that began at 1 and got noise of a size as gradient."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.ones(1000, requires_grad=True)
    optimizer = make(name, [weights], lr=RATE, weight_decay=decay)
    for _ in range(UPDATES):
        weights.grad = size * torch.randn(1000, generator=generator)
        optimizer.step()
    return float(weights.detach().mean())


def recipe(settings: Settings, name: str, decay: float) -> tc.Recipe:
    """Three layers of 100 ReLUs on few images."""
    data = images(settings)
    inputs, labels = data.train
    return tc.Recipe(
        model=partial(MLP, pixels(settings), 3, init="he"),
        data=tc.Splits(train=(inputs[:FEW], labels[:FEW]), test=data.test, name=data.name),
        loss=nn.CrossEntropyLoss(),
        optimizer=make(name, lr=1e-3, weight_decay=decay),
        batch_size=32,
        steps=settings.pick(1500, 400),
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """The pull on noise, then the grid."""
    left = {
        name: np.array([[share_left(name, s, seed) for s in SIZES] for seed in settings.runs])
        for name in TITLES
    }
    arms = {f"{n}, {d:g}": recipe(settings, n, d) for n, ds in DECAYS.items() for d in ds}
    found = train_arms(arms, settings, what="Adam and AdamW on few images", start=0.1)
    return Outcome(
        claims=_claims(left, found),
        numbers={
            **{
                f"share left/{TITLES[name]}/gradients of {size:g}": float(value)
                for name, rows in left.items()
                for size, value in zip(SIZES, rows.mean(axis=0), strict=True)
            },
            **{f"accuracy/{name}": float(np.mean(c.final)) for name, c in found.items()},
        },
        pictures=(_pull(left), _grid(found)),
        series={f"accuracy/{name}": c.series() for name, c in found.items()},
    )


def _finals(found: dict[str, Curves], name: str) -> np.ndarray:
    """Test accuracy, shape (seeds, decays)."""
    return np.stack([np.asarray(found[f"{name}, {d:g}"].final) for d in DECAYS[name]], axis=1)


def _best(found: dict[str, Curves], name: str) -> np.ndarray:
    """Accuracy by seed at the decay that is best on average."""
    finals = _finals(found, name)
    return finals[:, finals.mean(axis=0).argmax()]


def _claims(left: dict[str, np.ndarray], found: dict[str, Curves]) -> tuple[Claim, ...]:
    small, large = SIZES.index(0.1), SIZES.index(10.0)
    pulled = {name: 1 - rows for name, rows in left.items()}
    return (
        judge(
            "In Adam the L2 loss is not taken into account quite correctly.",
            source=LECTURE,
            measure="Adam + L2: pull to zero with gradients of 0.1 over that with gradients of 10",
            values=pulled["adam"][:, small] / pulled["adam"][:, large],
            above=2.0,
            reason="The penalty is divided by the size of the gradients, too.",
        ),
        judge(
            "AdamW corrects that.",
            source=LECTURE,
            measure="AdamW: pull to zero with gradients of 0.1 over that with gradients of 10",
            values=pulled["adamw"][:, small] / pulled["adamw"][:, large],
            above=0.9,
            below=1.1,
        ),
        judge(
            "It is not a fact that AdamW always works better.",
            source=LECTURE,
            measure="test accuracy on few images: AdamW minus Adam + L2, each at its best decay",
            values=_best(found, "adamw") - _best(found, "adam"),
            below=0.01,
            if_refuted="On these data it does work better.",
        ),
        judge(
            "(Not in the lecture:) the penalty itself helps on few images.",
            source="000, L1, L2 regularisation",
            measure="test accuracy: AdamW at its best decay minus without",
            values=_best(found, "adamw") - _finals(found, "adamw")[:, 0],
            above=0.0,
        ),
    )


def _pull(left: dict[str, np.ndarray]) -> Picture:
    adam = left["adam"].mean(axis=0)
    drawn, axes = figure(
        f"Adam's L2 pulls a weight with gradients of 0.1 down to {adam[SIZES.index(0.1)]:.2f}, one "
        f"with gradients of 10 only to {adam[SIZES.index(10.0)]:.2f}",
        f"What is left of weights that began at 1 after {UPDATES} updates with pure noise as "
        f"gradient; rate {RATE}, weight decay {DECAY}; band: lowest to highest seed.",
    )
    panel = axes[0, 0]
    panel.axhline((1 - RATE * DECAY) ** UPDATES, color=COLOURS["grey"], lw=1, ls=":")
    for name, shade in SHADES.items():
        band(panel, SIZES, left[name], label=TITLES[name], color=COLOURS[shade], marker="o", ms=5)
    panel.set_xscale("log")
    title_panel(panel, "", x="size of the gradients", y="share of the weight left")
    label_ends(panel)
    return Picture("pull", drawn, "Pull of the penalty by the size of the gradients.")


def _grid(found: dict[str, Curves]) -> Picture:
    gain = float(_best(found, "adamw").mean() - _best(found, "adam").mean())
    drawn, axes = figure(
        f"On {FEW} images AdamW at its best is {points(abs(gain))} "
        f"{'ahead of' if gain >= 0 else 'behind'} Adam + L2",
        "Test accuracy by weight decay; band: lowest to highest seed. The scales of the two "
        "decays cannot be compared.",
        columns=2,
        sharey=True,
    )
    for panel, (name, shade) in zip(axes[0], SHADES.items(), strict=True):
        rows = _finals(found, name)
        band(panel, range(rows.shape[1]), rows, color=COLOURS[shade], marker="o", ms=5)
        panel.set_xticks(range(rows.shape[1]), [f"{d:g}" for d in DECAYS[name]])
        title_panel(panel, TITLES[name], x="weight decay", y="test accuracy")
    return Picture("grid", drawn, "Accuracy on few images by weight decay.")
