"""Transfer: trained on the digits 0 to 4, adapted to 5 to 9.

:number: 23
:question: With few rows of a new task, is it better to freeze a trained net, to go on training it,
    or to begin anew?
:source: lecture 003, "Adaptation of neural networks with the help of optimisation" and the
    seminar's last lines, on freezing
:minutes: 3.3

A net of three convolutions and a linear layer learns the digits 0 to 4. For the digits 5 to 9 there
are 10 to 100 images. Four ways to adapt: begin anew; freeze everything but a new output layer
(`requires_grad = False`, as the seminar says); go on training everything; unfreeze gradually, the
last layer first (Howard and Ruder 2018). The seminar adds that `model.eval()` "automatically makes
all requires_grad = False", which can be checked to the letter.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

import torchclinic as tc
from torchclinic.core import Series
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.data import epochs, images
from torchclinic.gallery.style import COLOURS, band, dots, figure, label_ends, title_panel
from torchclinic.optim import GradualUnfreezing, freeze, hooked
from torchclinic.training import seeded

LECTURE = "003, Adaptation of neural networks with the help of optimisation"
FEW = (10, 25, 100)
STEPS = 120
SHADES = {
    "anew": "grey",
    "frozen": "vermilion",
    "all layers": "green",
    "gradually": "blue",
}


def part(data: tuple[Tensor, Tensor], low: int) -> tuple[Tensor, Tensor]:
    """The rows of five classes from `low` on, their labels counted from 0."""
    inputs, labels = data
    chosen = (labels >= low) & (labels < low + 5)
    return inputs[chosen], labels[chosen] - low


def fresh_net(settings: Settings) -> nn.Sequential:
    """Three convolutions ("features") and a linear layer with five outputs ("head")."""
    size = 28 if settings.data == "mnist" else 8
    features = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
    )
    head = nn.Linear(32 * (size // 4) ** 2, 5)
    return nn.Sequential(OrderedDict(features=features, head=head))


def source_net(settings: Settings, seed: int) -> nn.Module:
    """A net that has learnt the digits 0 to 4."""
    found = images(settings, flat=False)
    recipe = tc.Recipe(
        model=partial(fresh_net, settings),
        data=part(found.train, 0),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(Adam, lr=1e-3),
        batch_size=32,
        epochs=epochs(settings, mnist=3, digits=48),
    )
    return tc.train(recipe, seed, keep_model=True).model


def adapted(settings: Settings, source: nn.Module, way: str, rows: int, seed: int) -> tc.Run:
    """Learn the digits 5 to 9 from few rows in one of the ways."""
    found = images(settings, flat=False)
    inputs, labels = part(found.train, 5)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))[:rows]
    optimizer: Any = partial(Adam, lr=1e-3)
    if way == "gradually":
        optimizer = hooked(optimizer, GradualUnfreezing(STEPS // 5))
    recipe = tc.Recipe(
        model=partial(_start, settings, source, way, seed),
        data=tc.Splits(train=(inputs[order], labels[order]), test=part(found.test, 5)),
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        batch_size=32,
        steps=STEPS,
        metric="accuracy",
    )
    return tc.train(recipe, seed, test=True, keep_model=True)


def _start(settings: Settings, source: nn.Module, way: str, seed: int) -> nn.Sequential:
    """A fresh net, or the source's with a new output layer, frozen below it if so asked."""
    with seeded(seed):
        net = fresh_net(settings)
    if way == "anew":
        return net
    kept = {k: v for k, v in source.state_dict().items() if k.startswith("features")}
    net.load_state_dict(kept, strict=False)
    if way == "frozen":
        freeze(net, "features")
    return net


def run(settings: Settings) -> Outcome:
    """Four ways with five numbers of rows."""
    scores = {way: np.zeros((len(settings.runs), len(FEW))) for way in SHADES}
    moved = []
    for place, seed in enumerate(settings.runs):
        source = source_net(settings, seed)
        for column, rows in enumerate(FEW):
            done = (place + column / len(FEW)) / len(settings.runs)
            settings.tell(done, f"four ways to adapt with {rows} rows")
            for way in SHADES:
                trained = adapted(settings, source, way, rows, seed)
                last = trained.history.last("test")
                assert last is not None
                scores[way][place, column] = last.metric
                if way == "frozen":
                    moved.append(_moved(source, trained.model))
    return Outcome(
        claims=_claims(scores, moved),
        numbers={
            f"accuracy/{way}/{rows} rows": float(values[:, column].mean())
            for way, values in scores.items()
            for column, rows in enumerate(FEW)
        },
        pictures=(_curves(scores), _few(scores)),
        series={f"accuracy/{way}": Series(FEW, tuple(v.mean(0))) for way, v in scores.items()},
    )


def _moved(source: nn.Module, adapted: nn.Module) -> float:
    """Largest change of a weight of the first layer."""
    first, second = (dict(m.named_parameters())["features.0.weight"] for m in (source, adapted))
    return float((first - second).detach().abs().max())


def still_trainable() -> int:
    """Parameters that require a gradient after `model.eval()`, of a net with four."""
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)).eval()
    return sum(parameter.requires_grad for parameter in net.parameters())


def _claims(scores: dict[str, np.ndarray], moved: list[float]) -> tuple[Claim, ...]:
    few, many = FEW.index(25), FEW.index(100)
    return (
        judge(
            "To freeze layers for transfer learning, set requires_grad = False.",
            source="003, seminar",
            measure="largest change of a frozen weight in a training",
            values=max(moved),
            below=1e-12,
        ),
        judge(
            "model.eval() automatically makes all requires_grad = False.",
            source="003, seminar",
            measure="parameters of four that require a gradient after model.eval()",
            values=still_trainable(),
            below=0.5,
            if_refuted="eval() only changes what dropout and norms do. Gradients are switched off "
            "by torch.no_grad(), or for good by requires_grad_(False).",
        ),
        judge(
            "A trained net adapts to a new task with few rows better than a new one.",
            source=LECTURE,
            measure="test accuracy with 25 rows: all layers minus anew",
            values=scores["all layers"][:, few] - scores["anew"][:, few],
            above=0.0,
        ),
        judge(
            "(Not in the lecture:) with few rows freezing is best.",
            source="Yosinski et al. 2014, arXiv 1411.1792",
            measure="test accuracy with 25 rows: frozen minus all layers",
            values=scores["frozen"][:, few] - scores["all layers"][:, few],
            above=0.0,
            if_refuted="Features of the digits 0 to 4 are not enough for 5 to 9; moving them a "
            "little pays even with 25 rows.",
            if_not_settled="Features of the digits 0 to 4 are not quite enough for 5 to 9.",
        ),
        judge(
            "(Not in the lecture:) unfreezing gradually does no worse than training all at once.",
            source="Howard and Ruder 2018, arXiv 1801.06146",
            measure="test accuracy with 100 rows: gradually minus all layers",
            values=scores["gradually"][:, many] - scores["all layers"][:, many],
            above=-0.02,
        ),
    )


def _curves(scores: dict[str, np.ndarray]) -> Picture:
    few = FEW.index(25)
    gain = (scores["all layers"][:, few] - scores["anew"][:, few]).mean()
    drawn, axes = figure(
        f"With 25 images of the new digits, going on from the trained net brings {100 * gain:+.0f} "
        "points over a new one",
        f"Test accuracy on the digits 5 to 9 after {STEPS} updates of a net trained on 0 to 4; "
        "band: lowest to highest seed.",
    )
    panel = axes[0, 0]
    for way, shade in SHADES.items():
        band(panel, FEW, scores[way], label=way, color=COLOURS[shade], marker="o", ms=5)
    panel.set_xscale("log")
    panel.set_xticks(FEW, [str(rows) for rows in FEW])
    panel.minorticks_off()
    title_panel(panel, "", x="images of the new digits", y="test accuracy")
    label_ends(panel)
    return Picture("rows", drawn, "Accuracy on the new digits by number of rows.")


def _few(scores: dict[str, np.ndarray]) -> Picture:
    mean = {way: float(values[:, 1].mean()) for way, values in scores.items()}
    best = max(mean, key=lambda way: mean[way])
    drawn, axes = figure(
        f"Best with {FEW[1]} rows: {best}, {mean[best]:.1%}",
        "Test accuracy on the digits 5 to 9; a dot is a seed, the bar their mean.",
        columns=2,
        height=2.8,
        sharey=True,
    )
    colours = {way: COLOURS[shade] for way, shade in SHADES.items()}
    for panel, column in zip(axes[0], (1, len(FEW) - 1), strict=True):
        dots(panel, {w: v[:, column].tolist() for w, v in scores.items()}, colours=colours)
        title_panel(panel, f"{FEW[column]} rows", x="test accuracy")
    return Picture("few", drawn, "Accuracy with few and with many rows of the new task.")
