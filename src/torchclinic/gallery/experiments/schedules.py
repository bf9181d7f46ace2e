"""Learning-rate schedules: their pictures and what they do.

:number: 18
:question: What do schedules gain over a constant rate, and must cyclic ones keep the best weights?
:source: lecture 000, "Early stopping" (ReduceLROnPlateau), "Lowering the rate at each epoch",
    "Cyclical learning schedule"
:minutes: 3.9

The lecture's BatchNorm net of three sigmoid layers, 15 epochs as there, SGD at 0.3: constant,
lowered tenfold every second epoch (its StepLR), lowered on a plateau (patience 1, factor 0.1), the
three cyclic ones, cosine, and one cycle. A seventh of the training rows is held out: the plateau is
looked for there, and so is the best epoch, which for the cyclic ones must be kept: "here we MUST
store the model with the best quality. Such an optimisation does not guarantee that at the end the
model is better than at some step in between."
"""

from __future__ import annotations

from functools import partial

import numpy as np
from torch import nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.core import Run, Schedule, Series
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import images, pixels
from torchclinic.gallery.style import COLOURS, band, colour, dots, figure, label_ends, title_panel
from torchclinic.nn.nets import MLP
from torchclinic.optim import (
    cosine,
    exp_range,
    one_cycle,
    plateau,
    step_decay,
    triangular,
    triangular2,
)

LECTURE = "000, Cyclical learning schedule"
EPOCHS, RATE, LOW = 15, 0.3, 0.003
CYCLIC = ("triangular", "triangular2", "exp_range")
SCHEDULES: dict[str, Schedule | None] = {
    "constant": None,
    "step": step_decay(2, factor=0.1),
    "plateau": plateau(factor=0.1, patience=1),
    "triangular": triangular(LOW, RATE, cycles=2.5),
    "triangular2": triangular2(LOW, RATE, cycles=2.5),
    "exp_range": exp_range(LOW, RATE, cycles=2.5, end=0.1),
    "cosine": cosine(),
    "one cycle": one_cycle(),
}


def recipe(settings: Settings, name: str) -> tc.Recipe:
    """The net under a schedule."""
    data = images(settings)
    train, held_out = tc.data.split(data.train, (6 / 7, 1 / 7), seed=0)
    net = partial(MLP, pixels(settings), 3, activation="sigmoid", norm="batch", init="xavier")
    return tc.Recipe(
        name=name,
        model=partial(net, bias=False),
        data=tc.Splits(train=train, validation=held_out, test=data.test, name=data.name),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=RATE),
        schedule=SCHEDULES[name],
        batch_size=32,
        epochs=EPOCHS,
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """All schedules over the seeds, cyclic ones also with their best weights kept."""
    arms = {name: recipe(settings, name) for name in SCHEDULES}
    arms |= {f"{name}, best kept": arms[name].replace(keep_best=True) for name in CYCLIC}
    found = train_arms(arms, settings, what="eight schedules")
    held = {name: _validation(found[name]) for name in SCHEDULES}
    steps = {name: tuple(int(s) for s in held[name][0]) for name in held}
    return Outcome(
        claims=_claims(found, {name: loss for name, (_, loss, _) in held.items()}),
        numbers={
            **{f"accuracy/{name}": float(np.mean(c.final)) for name, c in found.items()},
            **{f"test loss/{name}": float(np.mean(c.final_loss)) for name, c in found.items()},
        },
        pictures=(_shapes(found), _effects(held), _finals(found)),
        series={f"held-out accuracy/{n}": Series(steps[n], tuple(v[2].mean(0)))
                for n, v in held.items()},
    )  # fmt: skip


def _validation(curve: Curves) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps, and loss and accuracy on the held-out rows, one row a seed."""
    loss = [[value for _, value in run.history.curve("validation", "loss")] for run in curve.runs]
    metric = [[v for _, v in run.history.curve("validation", "metric")] for run in curve.runs]
    steps = [step for step, _ in curve.runs[0].history.curve("validation")]
    return np.array(steps), np.array(loss), np.array(metric)


def _rates(run: Run) -> np.ndarray:
    """The learning rate at each update, as it was."""
    return np.asarray(run.history.learning_rates)


def _claims(found: dict[str, Curves], held: dict[str, np.ndarray]) -> tuple[Claim, ...]:
    loss = {name: np.asarray(curve.final_loss) for name, curve in found.items()}
    final = {name: np.asarray(curve.final) for name, curve in found.items()}
    rise = {name: values[:, -1] - values.min(axis=1) for name, values in held.items()}
    kept = np.mean([final[f"{name}, best kept"] - final[name] for name in CYCLIC], axis=0)
    return (
        judge(
            "Cyclic: at the end the model may be worse than at some step in between.",
            source=LECTURE,
            measure="held-out loss of the triangular schedule: at the end minus at its best",
            values=rise["triangular"],
            above=0.0,
        ),
        judge(
            "So one MUST keep the model with the best quality.",
            source=LECTURE,
            measure="test accuracy, mean of the three cyclic ones: best weights minus last ones",
            values=kept,
            above=0.0,
            if_refuted="The best of fifteen epochs on few held-out rows is a noisy choice.",
            if_not_settled="The best of fifteen epochs on few held-out rows is a noisy choice.",
        ),
        judge(
            "Lowering the rate on a plateau helps.",
            source="000, Early stopping (ReduceLROnPlateau)",
            measure="test loss: constant minus plateau",
            values=loss["constant"] - loss["plateau"],
            above=0.0,
        ),
        judge(
            "Lowering the rate every epoch helps: the lecture's StepLR(step_size=2, gamma=0.1).",
            source="000, Lowering the rate at each epoch",
            measure="test loss: constant minus step",
            values=loss["constant"] - loss["step"],
            above=0.0,
            if_refuted="A tenth every second epoch ends the training after about six of fifteen.",
            if_not_settled="A tenth every second epoch ends the training after about six of "
            "fifteen, which here is early enough to lose and late enough to spare the noise.",
        ),
        judge(
            "(Not in the lecture:) one cycle and cosine, which end low, do better than constant.",
            source="Smith and Topin 2018, arXiv 1708.07120; Loshchilov and Hutter 2017",
            measure="test loss: constant minus the mean of one cycle and cosine",
            values=loss["constant"] - (loss["one cycle"] + loss["cosine"]) / 2,
            above=0.0,
        ),
    )


def _shapes(found: dict[str, Curves]) -> Picture:
    drawn, axes = figure(
        "Eight ways to change the learning rate",
        "Rate at each update of a real training; the plateau's falls are where the first seed's "
        "held-out loss stood still.",
        rows=2,
        columns=4,
        height=4.4,
        sharex=True,
        sharey=True,
    )
    for place, (panel, name) in enumerate(zip(axes.flat, SCHEDULES, strict=True)):
        rates = _rates(found[name].runs[0])
        panel.plot(np.arange(1, len(rates) + 1), rates, color=colour(place), lw=1.7)
        panel.set_yscale("log")
        bottom = place >= 4
        title_panel(panel, name, x="update" * bottom, y="rate" if place % 4 == 0 else "")
    axes[0, 0].set_ylim(1e-4, 0.6)
    return Picture("shapes", drawn, "The learning rate of eight schedules.")


def _effects(held: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Picture:
    rise = held["triangular"][1]
    away = (rise[:, -1] - rise.min(axis=1)).mean()
    drawn, axes = figure(
        f"The triangular schedule ends {away:.3f} above its own best held-out loss",
        "Held-out loss after each epoch; band: lowest to highest seed.",
        columns=2,
        sharey=True,
    )
    groups = (("constant", "step", "plateau", "one cycle"), ("constant", *CYCLIC, "cosine"))
    for panel, names in zip(axes[0], groups, strict=True):
        for name in names:
            steps, loss, _ = held[name]
            band(panel, steps, loss, label=name, color=colour(list(SCHEDULES).index(name)), lw=1.7)
        title_panel(panel, "", x="update", y="held-out loss" if panel is axes[0, 0] else "")
        panel.set_yscale("log")
    for panel in axes[0]:
        label_ends(panel)
    return Picture("effects", drawn, "Held-out loss under eight schedules.")


def _finals(found: dict[str, Curves]) -> Picture:
    mean = {name: float(np.mean(curve.final_loss)) for name, curve in found.items()}
    order = sorted(mean, key=lambda name: mean[name])
    drawn, axes = figure(
        f"Lowest test loss: {order[0]} ({mean[order[0]]:.3f}); constant: {mean['constant']:.3f}",
        "Test loss at the end; a dot is a seed, the bar their mean.",
        height=4.0,
    )
    shades = {
        name: COLOURS["grey"] if name == "constant" else colour(list(SCHEDULES).index(name))
        for name in SCHEDULES
    }
    shades |= {f"{name}, best kept": shades[name] for name in CYCLIC}
    dots(axes[0, 0], {name: found[name].final_loss for name in order}, colours=shades)
    title_panel(axes[0, 0], "", x="test loss")
    return Picture("finals", drawn, "Test loss at the end by schedule.")
