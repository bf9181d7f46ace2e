"""Dropout in the lecture's sigmoid net.

:number: 9
:question: Does dropout gain anything in the net of three sigmoid layers, and later?
:source: lecture 000 and 002, "A simple implementation of Dropout" (SimpleMNIST_NN_Dropout)
:minutes: 3.8

Three hidden layers of 100 sigmoids with a Xavier start; dropout stands between the second and the
third linear map and their sigmoids. The first lecture trains it with p = 0.5 and SGD at 1e-3 for
five epochs and says: "In this case we got no gain. Perhaps, if we trained for more epochs, we would
have noticed the effect." The second uses p = 0.2 and 1e-2: "the gain is small. If one trains for
more epochs, the effect will be more noticeable." Both are repeated, and a third training lets the
net learn to the end: Adam at 1e-3, four times as long.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from torch import Tensor, nn
from torch.optim import SGD, Adam

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, band, figure, label_ends, title_panel
from torchclinic.init import initialize

TRAININGS = {
    "SGD 1e-3": (partial(SGD, lr=1e-3), 1),
    "SGD 1e-2": (partial(SGD, lr=1e-2), 1),
    "Adam 1e-3, 4 x": (partial(Adam, lr=1e-3), 4),
}
RATES = (0.0, 0.2, 0.5)
SHADES: dict[float, str] = dict(zip(RATES, ("vermilion", "green", "blue"), strict=True))


class SimpleNet(nn.Module):
    """The lecture's SimpleMNIST_NN_Dropout: no dropout behind the first linear map."""

    def __init__(self, features: int, p: float, n_layers: int = 3, width: int = 100) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Linear(features, width), nn.Sigmoid()]
        for _ in range(n_layers - 1):
            layers += [nn.Linear(width, width), nn.Dropout(p), nn.Sigmoid()]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 10))
        initialize(self, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the ten classes."""
        return self.layers(x.flatten(1))


def recipe(settings: Settings, training: str, p: float) -> tc.Recipe:
    """The net with dropout p in one of the trainings."""
    optimizer, times = TRAININGS[training]
    return tc.Recipe(
        model=partial(SimpleNet, pixels(settings), p),
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        batch_size=32,
        epochs=times * epochs(settings),
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """Three trainings with three rates of dropout."""
    arms = {f"{t}, p = {p}": recipe(settings, t, p) for t in TRAININGS for p in RATES}
    found = train_arms(arms, settings, what="three trainings")
    return Outcome(
        claims=_claims({name: np.asarray(c.final) for name, c in found.items()}, found),
        numbers={
            **{f"accuracy/{name}": float(np.mean(c.final)) for name, c in found.items()},
            **{f"loss/{name}": float(np.mean(c.final_loss)) for name, c in found.items()},
        },
        pictures=(_curves(found),),
        series={f"accuracy/{name}": c.series() for name, c in found.items()},
    )


def _claims(final: dict[str, np.ndarray], found: dict[str, Curves]) -> tuple[Claim, ...]:
    def gain(training: str, p: float) -> np.ndarray:
        return final[f"{training}, p = {p}"] - final[f"{training}, p = 0.0"]

    last = "Adam 1e-3, 4 x"
    loss = {p: np.asarray(found[f"{last}, p = {p}"].final_loss) for p in RATES}
    return (
        judge(
            "In this case we got no gain.",
            source="000, A simple implementation of Dropout",
            measure="gain in test accuracy by p = 0.5 at SGD 1e-3",
            values=gain("SGD 1e-3", 0.5),
            below=0.01,
            reason="At this rate the net has learnt nothing that dropout could generalise.",
        ),
        judge(
            "In this case the gain is small (but there is one).",
            source="002, A simple implementation of Dropout",
            measure="gain in test accuracy by p = 0.2 at SGD 1e-2",
            values=gain("SGD 1e-2", 0.2),
            above=0.0,
            if_refuted="A net that has not yet learnt is only slowed down by dropout.",
            if_not_settled="A net that has not yet learnt is slowed down by dropout if anything.",
        ),
        judge(
            "If one trains for more epochs, the effect is more noticeable: accuracy.",
            source="000 and 002, A simple implementation of Dropout",
            measure="gain in test accuracy by p = 0.5, Adam, 4 times as long",
            values=gain(last, 0.5),
            above=0.0,
            if_refuted="Two dropped layers of a small net cost more capacity than they save from "
            "overfitting on these data.",
            if_not_settled="The net hardly overfits on these data, so there is little to gain.",
        ),
        judge(
            "If one trains for more epochs, the effect is more noticeable: loss.",
            source="000 and 002, A simple implementation of Dropout",
            measure="test loss without dropout minus with p = 0.5, Adam, 4 times as long",
            values=loss[0.0] - loss[0.5],
            above=0.0,
            if_not_settled="The net hardly overfits on these data, so there is little to gain.",
        ),
    )


def _curves(found: dict[str, Curves]) -> Picture:
    last = "Adam 1e-3, 4 x"
    gain = np.mean(found[f"{last}, p = 0.5"].final) - np.mean(found[f"{last}, p = 0.0"].final)
    drawn, axes = figure(
        f"Dropout of 0.5 changes the accuracy of the trained sigmoid net by {100 * gain:+.1f} "
        "points; the lecture's short trainings end before it could matter",
        "Test accuracy over three trainings; band: lowest to highest seed.",
        columns=3,
        sharey=True,
    )
    axes[0, 0].set_ylim(0, 1.02)
    for panel, training in zip(axes[0], TRAININGS, strict=True):
        for p, shade in SHADES.items():
            curve = found[f"{training}, p = {p}"]
            band(panel, curve.steps, curve.metric, label=f"p = {p:g}", color=COLOURS[shade])
        title_panel(panel, training, x="update", y="test accuracy" if panel is axes[0, 0] else "")
        label_ends(panel)
    return Picture("curves", drawn, "Test accuracy by rate of dropout in three trainings.")
