"""Gradual warm-up with large batches.

:number: 18
:question: Does warm-up let a large batch train at a rate that grows with it?
:source: lecture 000, "Neural Network WarmUp" (Goyal et al. 2017, arXiv 1706.02677)
:minutes: 6.8

"Begin with a learning rate much lower than usual and bring it to the wanted one over a few epochs,
for example 5. The net so adapts better to our data." The picture of the lecture is from the paper:
a batch of kn rows gets k times the rate that is right for n, and starts from the small one.

Here n = 32 with a rate of 0.02 for a net of eight ReLU layers, and batches 16 times as large with
16 times the rate: with a warm-up of 5 epochs of 60, without, and with the small rate kept. A second
net has Adam at a large rate, for which the lecture promises better estimates.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from torch import nn
from torch.optim import SGD, Adam

import torchclinic as tc
from torchclinic.core import Schedule
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import images, pixels
from torchclinic.gallery.style import COLOURS, band, dots, figure, label_ends, title_panel
from torchclinic.nn.nets import MLP
from torchclinic.optim import linear_scaling, warm_up

LECTURE = "000, Neural Network WarmUp"
SMALL, RATE, TIMES = 32, 0.02, 16
WARM = 5 / 60  # of the training: 5 epochs
DEPTH, ADAM_RATE = 8, 0.005
ARMS = {
    f"batch {SMALL}": (1, 1, None),
    f"batch {SMALL * TIMES}, small rate": (TIMES, 1, None),
    f"batch {SMALL * TIMES}, {TIMES} x rate": (TIMES, TIMES, None),
    f"batch {SMALL * TIMES}, {TIMES} x rate, warm-up": (
        TIMES,
        1,
        warm_up(WARM, scale=linear_scaling(SMALL * TIMES, SMALL)),
    ),
}
ADAM = {"Adam": None, "Adam, warm-up": warm_up(WARM)}
BASE, SLOW, COLD, WARMED = ARMS
SHADES: dict[str, str] = dict(
    zip((*ARMS, *ADAM), ("grey", "ochre", "vermilion", "blue", "vermilion", "blue"), strict=True)
)


def recipe(settings: Settings, name: str) -> tc.Recipe:
    """Eight layers of 100 ReLUs under one of the arms."""
    batch, times, schedule = ARMS[name]
    return _base(settings, schedule).replace(
        optimizer=partial(SGD, lr=RATE * times), batch_size=SMALL * batch
    )


def adam_recipe(settings: Settings, name: str) -> tc.Recipe:
    """The same net with Adam at a large rate."""
    return _base(settings, ADAM[name]).replace(epochs=settings.pick(24, 8))


def _base(settings: Settings, schedule: Schedule | None) -> tc.Recipe:
    return tc.Recipe(
        model=partial(MLP, pixels(settings), DEPTH, init="he"),
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(Adam, lr=ADAM_RATE),
        schedule=schedule,
        batch_size=SMALL,
        epochs=settings.pick(60, 24) if settings.data == "digits" else settings.pick(20, 12),
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """SGD with small and large batches, then Adam."""
    arms = {name: recipe(settings, name) for name in ARMS}
    arms |= {name: adam_recipe(settings, name) for name in ADAM}
    found = train_arms(arms, settings, what="small and large batches")
    final = {name: np.nan_to_num(np.asarray(c.final), nan=0.1) for name, c in found.items()}
    return Outcome(
        claims=_claims(final),
        numbers={f"accuracy/{name}": float(values.mean()) for name, values in final.items()},
        pictures=(_curves(found, final), _finals(final)),
        series={f"accuracy/{name}": c.series() for name, c in found.items()},
    )


def _claims(final: dict[str, np.ndarray]) -> tuple[Claim, ...]:
    return (
        judge(
            "With warm-up the net adapts better: large batch, large rate.",
            source=LECTURE,
            measure="test accuracy at 16 times the rate: with warm-up minus without",
            values=final[WARMED] - final[COLD],
            above=0.0,
            if_refuted="Plain ReLU layers that cannot bear the full rate fail when it is reached, "
            "early or late.",
            if_not_settled="At this rate, the edge of what plain ReLU layers bear, the start "
            "decides as much as the warm-up.",
        ),
        judge(
            "A batch of kn rows trained at k times the rate with warm-up matches the small batch.",
            source=f"{LECTURE}, the picture (Goyal et al. 2017)",
            measure="test accuracy: large batch with warm-up minus small batch",
            values=final[WARMED] - final[BASE],
            above=-0.02,
            if_refuted="A factor of 16 is more than this net bears: the rate that 16 times the "
            "batch calls for is beyond what eight plain ReLU layers can stand, warm or cold.",
            if_not_settled="Some seeds match it; for others 16 times the rate is more than eight "
            "plain ReLU layers can stand, warm or cold.",
        ),
        judge(
            "The larger rate is needed: at the small rate the large batch falls behind.",
            source="Goyal et al. 2017, section 2.1, arXiv 1706.02677",
            measure="test accuracy: small batch minus large batch at the small rate",
            values=final[BASE] - final[SLOW],
            above=0.0,
        ),
        judge(
            "Warm-up lets adaptive optimizers estimate the rates of the parameters better.",
            source=LECTURE,
            measure=f"test accuracy of Adam at {ADAM_RATE}: with warm-up minus without",
            values=final["Adam, warm-up"] - final["Adam"],
            above=0.0,
            if_not_settled="The gain, if any, is within what seeds do.",
        ),
    )


def _curves(found: dict[str, Curves], final: dict[str, np.ndarray]) -> Picture:
    gain = final[WARMED].mean() - final[COLD].mean()
    drawn, axes = figure(
        f"With a batch and a rate {TIMES} times as large, warm-up changes the accuracy by "
        f"{100 * gain:+.0f} points",
        f"Test accuracy of {DEPTH} layers of 100 ReLUs; band: lowest to highest seed.",
        columns=2,
        sharey=True,
    )
    axes[0, 0].set_ylim(0, 1.02)
    for panel, names, title in zip(axes[0], (ARMS, ADAM), ("SGD", f"Adam at {ADAM_RATE}"),
                                   strict=True):  # fmt: skip
        for name in names:
            curve = found[name]
            share = np.array(curve.steps) / curve.steps[-1]
            label = name.replace(f"batch {SMALL * TIMES}, ", "")
            band(panel, share, curve.metric, label=label, color=COLOURS[SHADES[name]])
        panel.axvline(WARM, color=COLOURS["grey"], lw=1, ls=":")
        title_panel(panel, title, x="share of the training", y="test accuracy")
        label_ends(panel)
    return Picture("curves", drawn, "Large batches with and without warm-up; dotted: its end.")


def _finals(final: dict[str, np.ndarray]) -> Picture:
    drawn, axes = figure(
        f"Small batch {final[BASE].mean():.1%}; 16 times the batch: {final[WARMED].mean():.1%} "
        f"with warm-up, {final[COLD].mean():.1%} without",
        "Final test accuracy; a dot is a seed, the bar their mean; diverged runs count as chance.",
        height=3.2,
    )
    colours = {name: COLOURS[shade] for name, shade in SHADES.items()}
    dots(axes[0, 0], {name: v.tolist() for name, v in final.items()}, colours=colours)
    title_panel(axes[0, 0], "", x="test accuracy")
    return Picture("finals", drawn, "Final accuracy of all arms.")
