"""BatchNorm before or after the activation.

:number: 13
:question: Where does BatchNorm belong: before the activation or after it?
:source: lecture 000, "BatchNormalization before or after the activation?"
:minutes: 0.8

The lecture weighs both places. For the sigmoid it says that BatchNorm after the activation "does
not solve the sigmoid's problems"; for the ReLU that BatchNorm before it "can lead to dying ReLUs,
when most of its inputs are below 0"; and that on many tasks the place after the activation does
better or no worse. Nets of 8 hidden layers of 100 units are trained with SGD at 0.1, for both
activations and with BatchNorm before, after and not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from matplotlib.ticker import PercentFormatter
from torch import Tensor, nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, band, dots, figure, label_ends, title_panel
from torchclinic.nn.nets import MLP

LECTURE = "000, BatchNormalization before or after the activation?"
DEPTH, RATE = 8, 0.1
PLACES: dict[str, dict[str, Any]] = {
    "before": {"norm": "batch", "order": ("norm", "activation", "dropout")},
    "after": {"norm": "batch", "order": ("activation", "norm", "dropout")},
    "no BatchNorm": {},
}
SHADES: dict[str, str] = dict(zip(PLACES, ("blue", "green", "vermilion"), strict=True))


def recipe(settings: Settings, activation: str, place: str) -> tc.Recipe:
    """The net with BatchNorm at a place."""
    net = partial(MLP, pixels(settings), DEPTH, activation=activation, init="xavier")
    return tc.Recipe(
        model=partial(net, **PLACES[place]),
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=RATE),
        batch_size=32,
        epochs=epochs(settings, mnist=3, digits=40),
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """Six nets over the seeds, then the ReLUs of two of them."""
    cells = [(activation, place) for activation in ("sigmoid", "relu") for place in PLACES]
    arms = {f"{a}, {p}": recipe(settings, a, p) for a, p in cells}
    found = train_arms(arms, settings, what="six nets", end=0.9, keep_models=True)
    dead = {
        place: np.array([_silent(settings, model) for model in found[f"relu, {place}"].models])
        for place in PLACES
    }
    return Outcome(
        claims=_claims({name: np.asarray(c.final) for name, c in found.items()}, dead),
        numbers={
            **{f"accuracy/{name}": float(np.mean(c.final)) for name, c in found.items()},
            **{f"ReLU outputs at 0/{place}": float(v[:, 0].mean()) for place, v in dead.items()},
            **{f"dead ReLUs/{place}": float(v[:, 1].mean()) for place, v in dead.items()},
        },
        pictures=(_curves(found), _relus(dead)),
        series={f"accuracy/{name}": c.series() for name, c in found.items()},
    )


def _silent(settings: Settings, trained: nn.Module) -> tuple[float, float]:
    """Share of ReLU outputs at 0, and of units at 0 on every test row, after training."""
    inputs, _ = images(settings).test
    with _relu_outputs(trained) as outputs, torch.no_grad():
        trained(inputs)
    zero = [out == 0 for out in outputs]
    of_values = torch.stack([z.float().mean() for z in zero]).mean()
    of_units = torch.stack([z.all(dim=0).float().mean() for z in zero]).mean()
    return float(of_values), float(of_units)


@contextmanager
def _relu_outputs(model: nn.Module) -> Iterator[list[Tensor]]:
    outputs: list[Tensor] = []

    def keep(module: nn.Module, args: Any, output: Tensor) -> None:
        del module, args
        outputs.append(output)

    relus = [module for module in model.modules() if isinstance(module, nn.ReLU)]
    handles = [module.register_forward_hook(keep) for module in relus]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _claims(final: dict[str, np.ndarray], dead: dict[str, np.ndarray]) -> tuple[Claim, ...]:
    return (
        judge(
            "For the sigmoid, BatchNorm after the activation does not solve its problems.",
            source=LECTURE,
            measure=f"test accuracy of {DEPTH} sigmoid layers with BatchNorm after the activation",
            values=final["sigmoid, after"],
            below=0.5,
            if_refuted="Sigmoids of a Xavier start are near 1/2 and nearly constant; BatchNorm "
            "behind them makes the small differences large again, in the forward pass as in the "
            "gradient, and the next sigmoid gets inputs of deviation 1.",
        ),
        judge(
            "BatchNorm before the ReLU can lead to dying ReLUs.",
            source=LECTURE,
            measure="share of units at 0 on all test rows: BatchNorm before minus none",
            values=dead["before"][:, 1] - dead["no BatchNorm"][:, 1],
            above=0.0,
            if_refuted="It is the other way round: BatchNorm keeps each unit's mean near beta, so "
            "that about half of the rows get through.",
            if_not_settled="About half of the rows get through each unit, as beta begins at 0.",
        ),
        judge(
            "BatchNorm after the activation does better or no worse than before it.",
            source=LECTURE,
            measure="test accuracy with ReLU: after minus before",
            values=final["relu, after"] - final["relu, before"],
            above=-0.01,
        ),
    )


def _curves(found: dict[str, Curves]) -> Picture:
    gain = {place: np.mean(found[f"sigmoid, {place}"].final) for place in PLACES}
    drawn, axes = figure(
        f"{DEPTH} sigmoid layers: {gain['before']:.0%} with BatchNorm before the activation, "
        f"{gain['after']:.0%} after it, {gain['no BatchNorm']:.0%} without",
        "Test accuracy during training, SGD at 0.1; band: lowest to highest seed.",
        columns=2,
        sharey=True,
    )
    axes[0, 0].set_ylim(0, 1.02)
    for panel, activation in zip(axes[0], ("sigmoid", "relu"), strict=True):
        for place in PLACES:
            curve = found[f"{activation}, {place}"]
            band(panel, curve.steps, curve.metric, label=place, color=COLOURS[SHADES[place]])
        title_panel(panel, activation, x="update", y="test accuracy")
        label_ends(panel)
    return Picture("curves", drawn, "Test accuracy by place of BatchNorm and by activation.")


def _relus(dead: dict[str, np.ndarray]) -> Picture:
    before, none = dead["before"][:, 1].mean(), dead["no BatchNorm"][:, 1].mean()
    drawn, axes = figure(
        f"ReLUs that are dead on all test rows: {before:.1%} behind BatchNorm, "
        f"{none:.1%} without it",
        f"After training {DEPTH} layers; a dot is a seed, the bar their mean.",
        columns=2,
        height=2.6,
        sharey=True,
    )
    colours = {place: COLOURS[shade] for place, shade in SHADES.items()}
    for panel, column, title in zip(axes[0], (0, 1), ("outputs at 0", "dead units"), strict=True):
        rows = {place: values[:, column].tolist() for place, values in dead.items()}
        dots(panel, rows, colours=colours, text="{:.1%}")
        title_panel(panel, title, x="share")
        panel.set_xlim(left=0)
        panel.locator_params(axis="x", nbins=5)
        panel.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    return Picture("relus", drawn, "Share of ReLU outputs at 0, and of dead ReLUs.")
