"""Early stopping and keeping the best weights.

:number: 20
:question: What do early stopping and keep-best save in a net that overfits?
:source: lecture 000, "Early stopping"
:minutes: 0.1

The lecture's section on early stopping in fact describes ReduceLROnPlateau: when the loss on
validation data has not improved for `patience` epochs, "we multiply the learning rate by a factor".
Stopping and lowering are two things, so both are tried, and keeping the best weights besides: on a
net that overfits for certain, three layers of 100 ReLUs on 300 images of which every fifth has a
wrong label.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import nn
from torch.optim import Adam

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import images, pixels
from torchclinic.gallery.style import COLOURS, band, dots, figure, label_ends, title_panel
from torchclinic.gallery.text.numbers import toll
from torchclinic.nn.nets import MLP
from torchclinic.optim import plateau

LECTURE = "000, Early stopping"
FEW, HELD_OUT, WRONG, PATIENCE = 300, 300, 0.2, 5
SHADES = {
    "to the end": "vermilion",
    "early stopping": "blue",
    "keep best": "green",
    "lower on a plateau": "purple",
}
Table = dict[str, np.ndarray]


def noisy_data(settings: Settings) -> tc.Splits:
    """Few images, every fifth training label wrong; validation and test labels are right."""
    found = images(settings)
    inputs, labels = found.train
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(labels), generator=generator)
    few, held_out = order[:FEW], order[FEW : FEW + HELD_OUT]
    train = labels[few].clone()
    wrong = torch.rand(FEW, generator=generator) < WRONG
    shift = torch.randint(1, 10, (FEW,), generator=generator)
    train = torch.where(wrong, (train + shift) % 10, train)
    return tc.Splits(
        train=(inputs[few], train),
        validation=(inputs[held_out], labels[held_out]),
        test=found.test,
        name=found.name,
    )


def recipe(settings: Settings, arm: str) -> tc.Recipe:
    """The overfitting net with one of the measures against it."""
    base = tc.Recipe(
        model=partial(MLP, pixels(settings), 3, init="he"),
        data=noisy_data(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(Adam, lr=1e-3),
        batch_size=32,
        epochs=settings.pick(150, 60),
        metric="accuracy",
    )
    changes = {
        "early stopping": {"early_stopping": tc.EarlyStopping(patience=PATIENCE)},
        "keep best": {"keep_best": True},
        "lower on a plateau": {"schedule": plateau(factor=0.1, patience=PATIENCE)},
    }
    return base.replace(**changes.get(arm, {}))


def run(settings: Settings) -> Outcome:
    """Four trainings over the seeds."""
    found = train_arms({arm: recipe(settings, arm) for arm in SHADES}, settings, what="four ways")
    accuracy = {arm: np.asarray(curve.final) for arm, curve in found.items()}
    loss = {arm: np.asarray(curve.final_loss) for arm, curve in found.items()}
    steps = {arm: np.array([len(r.history.losses) for r in c.runs]) for arm, c in found.items()}
    epochs = recipe(settings, "to the end").epochs or 1
    held = {arm: _validation(curve, epochs) for arm, curve in found.items()}
    return Outcome(
        claims=_claims(accuracy, loss, steps, held["to the end"]),
        numbers={
            **{f"accuracy/{arm}": float(values.mean()) for arm, values in accuracy.items()},
            **{f"test loss/{arm}": float(values.mean()) for arm, values in loss.items()},
            **{f"updates/{arm}": float(values.mean()) for arm, values in steps.items()},
        },
        pictures=(_curves(found, held), _finals(accuracy, loss, steps)),
    )


def _validation(curve: Curves, epochs: int) -> np.ndarray:
    """Validation loss by epoch, one row a seed; NaN where it was not measured."""
    table = np.full((len(curve.runs), epochs), np.nan)
    for place, run in enumerate(curve.runs):
        for step, value in run.history.curve("validation"):
            table[place, step // (run.history.steps_per_epoch or 1) - 1] = value
    return table


def _claims(accuracy: Table, loss: Table, steps: Table, held: np.ndarray) -> tuple[Claim, ...]:
    return (
        judge(
            "At some point the validation loss no longer improves: the net overfits.",
            source=LECTURE,
            measure="validation loss at the end over its minimum",
            values=held[:, -1] / np.nanmin(held, axis=1),
            above=1.05,
        ),
        judge(
            "Stopping early helps: test loss.",
            source=LECTURE,
            measure="test loss: to the end minus early stopping",
            values=loss["to the end"] - loss["early stopping"],
            above=0.0,
        ),
        judge(
            "Stopping early helps: test accuracy.",
            source=LECTURE,
            measure="test accuracy: early stopping minus to the end",
            values=accuracy["early stopping"] - accuracy["to the end"],
            above=0.0,
        ),
        judge(
            "(Not in the lecture:) and it saves most of the updates.",
            source="besides 000: Prechelt 1998, doi:10.1007/3-540-49430-8_3",
            measure="updates with early stopping over those without",
            values=steps["early stopping"] / steps["to the end"],
            below=0.5,
        ),
        judge(
            "Lowering the rate, which the lecture calls early stopping, does the same.",
            source=LECTURE,
            measure="test loss: lower on a plateau minus early stopping",
            values=loss["lower on a plateau"] - loss["early stopping"],
            below=0.02,
            if_refuted="It slows the overfitting down but goes on from where the rate fell, five "
            "epochs after the best one, and takes all epochs.",
            if_not_settled="It slows the overfitting down but goes on from five epochs after the "
            "best one, and takes all epochs.",
        ),
    )


def _curves(found: dict[str, Curves], held: Table) -> Picture:
    best = int(np.nanargmin(held["to the end"].mean(axis=0))) + 1
    drawn, axes = figure(
        f"The validation loss is lowest near epoch {best} and then rises to "
        f"{held['to the end'][:, -1].mean():.2f}",
        f"{FEW} images, every fifth label wrong; band: lowest to highest seed. Left: the "
        f"training loss keeps falling; right: validation loss.",
        columns=2,
    )
    whole, epochs = found["to the end"], held["to the end"].shape[1]
    _, losses = whole.training(whole.train_loss.shape[1] // epochs)
    for panel in axes[0]:
        panel.set_xlim(1, epochs)
    band(axes[0, 0], range(1, epochs + 1), losses[:, :epochs], color=COLOURS["vermilion"])
    for arm in ("to the end", "lower on a plateau", "early stopping"):
        measured = np.isfinite(held[arm]).any(axis=0)
        x = np.flatnonzero(measured) + 1
        band(axes[0, 1], x, held[arm][:, measured], label=arm, color=COLOURS[SHADES[arm]])
    title_panel(axes[0, 0], "training loss", x="epoch", y="loss")
    title_panel(axes[0, 1], "validation loss", x="epoch")
    label_ends(axes[0, 1])
    return Picture("curves", drawn, "Training and validation loss of a net that overfits.")


def _finals(accuracy: Table, loss: Table, steps: Table) -> Picture:
    gain = accuracy["early stopping"].mean() - accuracy["to the end"].mean()
    share = steps["early stopping"].mean() / steps["to the end"].mean()
    drawn, axes = figure(
        f"Early stopping {toll(-gain)} with {share:.0%} of the updates",
        "Accuracy, loss and updates; a dot is a seed, the bar their mean.",
        columns=3,
        height=2.8,
        sharey=True,
    )
    colours = {arm: COLOURS[shade] for arm, shade in SHADES.items()}
    tables = ((accuracy, "test accuracy", "{:.3f}"), (loss, "test loss", "{:.2f}"),
              (steps, "updates", "{:.0f}"))  # fmt: skip
    for panel, (table, title, text) in zip(axes[0], tables, strict=True):
        dots(panel, {arm: table[arm].tolist() for arm in SHADES}, colours=colours, text=text)
        title_panel(panel, title)
    axes[0, 2].set_xlim(left=0)
    return Picture("finals", drawn, "What stopping, keeping and lowering bring.")
