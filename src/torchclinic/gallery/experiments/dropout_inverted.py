"""Inverted dropout and the one that is not.

:number: 9
:question: What does it change to scale in training (inverted dropout) and not at prediction?
:source: lecture 000 and 002, "A simple implementation of Dropout"
:minutes: 0.4

The lecture's first version, `BadDropout`, zeroes units in training and multiplies by 1 - p at
prediction; the second divides by 1 - p in training and leaves prediction alone, as torch's does.
The reasons it gives are the cost of prediction, and that the module can be taken out of the net
afterwards. `BadDropout` stands here only to be compared with.
"""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, dots, figure, title_panel
from torchclinic.nn.nets import MLP
from torchclinic.training import seeded

LECTURE = "000, A simple implementation of Dropout"
P = 0.5


class BadDropout(nn.Module):
    """The lecture's counter-example: unscaled in training, scaled by 1 - p at prediction."""

    def __init__(self, p: float = P) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Zero elements with probability p, or multiply by 1 - p."""
        if self.training:
            return x * (torch.rand_like(x) > self.p)
        return x * (1 - self.p)


KINDS = {"inverted": nn.Dropout, "not inverted": BadDropout}
SHADES: dict[str, str] = dict(zip(KINDS, ("blue", "vermilion"), strict=True))


def recipe(settings: Settings, kind: str) -> tc.Recipe:
    """Three layers of 100 ReLUs with one of the two behind each."""
    return tc.Recipe(
        model=partial(MLP, pixels(settings), 3, init="he", dropout=partial(KINDS[kind], P)),
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(Adam, lr=1e-3),
        batch_size=32,
        epochs=epochs(settings, mnist=3, digits=60),
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """Train both, then take the dropout out and time it."""
    arms = {kind: recipe(settings, kind) for kind in KINDS}
    what = "nets with both kinds of dropout"
    trained = train_arms(arms, settings, what=what, end=0.9, keep_models=True)
    found = {
        kind: np.array([(_accuracy(settings, m), _change_without(settings, m)) for m in c.models])
        for kind, c in trained.items()
    }
    shift = {
        kind: np.array([_shift(make(P), s) for s in range(20)]) for kind, make in KINDS.items()
    }
    cost = _seconds(BadDropout(P).eval()) - _seconds(nn.Dropout(P).eval())
    return Outcome(
        claims=_claims(found, shift, cost),
        numbers={
            **{f"accuracy/{kind}": float(rows[:, 0].mean()) for kind, rows in found.items()},
            **{f"change without it/{kind}": float(r[:, 1].mean()) for kind, r in found.items()},
            **{f"training mean / prediction mean/{k}": float(v.mean()) for k, v in shift.items()},
            "microseconds that scaling adds to a prediction": 1e6 * cost,
        },
        pictures=(_picture(found),),
    )


def _accuracy(settings: Settings, model: nn.Module) -> float:
    inputs, labels = images(settings).test
    with torch.no_grad():
        return float((model(inputs).argmax(1) == labels).float().mean())


def _change_without(settings: Settings, model: MLP) -> float:
    """Largest change of a predicted probability when the dropout modules are taken out."""
    kept = [m for m in model.layers if not isinstance(m, (nn.Dropout, BadDropout))]
    inputs, _ = images(settings).test
    with torch.no_grad():
        before, after = (net(inputs).softmax(1) for net in (model, nn.Sequential(*kept)))
    return float((after - before).abs().max())


def _shift(module: nn.Module, seed: int) -> float:
    """Mean output in training over mean output at prediction."""
    with seeded(seed):
        x = torch.rand(1000, 100)
        return float(module.train()(x).mean() / module.eval()(x).mean())


def _seconds(module: nn.Module, rounds: int = 400) -> float:
    """Median time of a prediction for a batch of 256 x 100."""
    x, spent = torch.zeros(256, 100), []
    for _ in range(rounds):
        begun = time.perf_counter()
        module(x)
        spent.append(time.perf_counter() - begun)
    return float(np.median(spent))


def _claims(
    found: dict[str, np.ndarray], shift: dict[str, np.ndarray], cost: float
) -> tuple[Claim, ...]:
    same = found["inverted"][:, 0] - found["not inverted"][:, 0]
    balance = tuple(
        judge(
            f"The expectation in training is that of prediction ({kind}).",
            source=LECTURE,
            measure="mean output in training over mean output at prediction",
            values=shift[kind],
            above=0.99,
            below=1.01,
        )
        for kind in KINDS
    )
    return (
        *balance,
        judge(
            "Both are the same method: they reach the same accuracy.",
            source=LECTURE,
            measure="test accuracy: inverted minus not inverted",
            values=same,
            above=-0.02,
            below=0.02,
        ),
        judge(
            "If we take inverted dropout out of the code, prediction stays unchanged.",
            source=LECTURE,
            measure="largest change of a probability without the modules, inverted",
            values=found["inverted"][:, 1].tolist(),
            above=-1e-9,
            below=1e-6,
        ),
        judge(
            "With the other one it does not.",
            source=LECTURE,
            measure="largest change of a probability without the modules, not inverted",
            values=found["not inverted"][:, 1],
            above=0.1,
        ),
        judge(
            "The one that is not inverted makes prediction dearer by a multiplication.",
            source="002, A simple implementation of Dropout",
            measure="microseconds that it adds to a batch of 256 x 100 on this machine",
            values=1e6 * cost,
            above=0.0,
            unit="us",
        ),
    )


def _picture(found: dict[str, np.ndarray]) -> Picture:
    change = found["not inverted"][:, 1].mean()
    drawn, axes = figure(
        "Take inverted dropout out and nothing changes; take the other out and a probability moves "
        f"by up to {change:.2f}",
        "Three layers of 100 ReLUs with dropout of 0.5; a dot is a seed, the bar their mean.",
        columns=2,
        height=2.2,
        sharey=True,
    )
    colours = {kind: COLOURS[shade] for kind, shade in SHADES.items()}
    dots(axes[0, 0], {k: rows[:, 0].tolist() for k, rows in found.items()}, colours=colours)
    dots(axes[0, 1], {k: rows[:, 1].tolist() for k, rows in found.items()}, colours=colours)
    title_panel(axes[0, 0], "test accuracy, module in place")
    title_panel(axes[0, 1], "largest change without the module")
    axes[0, 1].set_xlim(left=-0.02)
    return Picture("inverted", drawn, "Accuracy, and what happens when the modules are taken out.")
