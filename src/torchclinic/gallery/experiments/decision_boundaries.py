"""How nets divide the plane, from a line to curves.

:number: 21
:question: Which boundary does each depth draw, and what do weight decay and dropout do to it?
:source: 003, "Seminar PyTorch"
:minutes: 0.2

The seminar's models: logistic regression (SGD, 0.1), the same on data that no line divides (0.01,
momentum 0.9), 2-2-1 and 2-5-5-1 with sigmoids (rate 2, momentum 0.9), three classes with 2-5-5-3
(0.1), then weight decay 0.1 and dropout. Full batches, a thousand updates each, on two moons and
on three clouds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from torch import Tensor, nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Animation, Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.style import COLOURS, dots, figure, title_panel
from torchclinic.nn.nets import MLP
from torchclinic.training import seeded, train

PLACE = "003, Seminar PyTorch"
UPDATES, ROWS, EDGE, GRID = 1000, 200, 2.0, 121
TINTS = ("#cfe3f1", "#f6d9c9", "#cfe6dc")
POINTS = (COLOURS["blue"], COLOURS["vermilion"], COLOURS["green"])


@dataclass(frozen=True)
class Model:
    """One of the seminar's models.

    Attributes:
        build: Makes the net.
        optimizer: Its optimizer.
        data: Two moons or three clouds.
        updates: Full-batch updates.
    """

    build: Callable[[], nn.Module]
    optimizer: Callable[..., torch.optim.Optimizer]
    data: Callable[[int], tc.Splits]
    updates: int = UPDATES


@dataclass
class Fits:
    """What came of a model, one entry a seed."""

    nets: list[nn.Module] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    gap: list[float] = field(default_factory=list)
    bend: list[float] = field(default_factory=list)


def run(settings: Settings) -> Outcome:
    """Fit every model with every seed, measure its boundary, draw."""
    models = seminar_models()
    found = {name: Fits() for name in models}
    for place, (name, model) in enumerate(models.items()):
        for seed in settings.runs:
            settings.tell(0.8 * place / len(models), name)
            fit(model, seed, found[name])
    numbers = {
        f"{what}, {name}": float(np.mean(getattr(fits, what)))
        for name, fits in found.items()
        for what in ("accuracy", "gap", "bend")
    }
    settings.tell(0.8, "drawing the boundaries")
    return Outcome(
        claims=claims_of(found),
        numbers=numbers,
        pictures=(boundaries(found, models), accuracies(found, settings)),
        animations=(growing(models["2-5-5-1"], settings),),
    )


def seminar_models() -> dict[str, Model]:
    """The seminar's models by name, each on its data."""
    quick, plain = partial(SGD, lr=2.0, momentum=0.9), partial(SGD, lr=0.1)
    sigmoid = partial(MLP, 2, activation="sigmoid")
    wide = partial(MLP, 2, 2, 100, 2, activation="relu")
    brisk = partial(SGD, lr=0.3, momentum=0.9)
    return {
        "logistic regression": Model(
            partial(MLP, 2, 0, 5, 2), partial(SGD, lr=0.01, momentum=0.9), moons
        ),
        "2-2-1": Model(partial(sigmoid, 1, 2, 2), quick, moons),
        "2-5-5-1": Model(partial(sigmoid, 2, 5, 2), quick, moons),
        "three classes, 2-5-5-3": Model(partial(sigmoid, 2, 5, 3), plain, clouds),
        "three classes, rate 2": Model(partial(sigmoid, 2, 5, 3), quick, clouds),
        "weight decay 0.1": Model(
            partial(sigmoid, 2, 5, 2), partial(SGD, lr=2.0, momentum=0.9, weight_decay=0.1), moons
        ),
        "100-100, no penalty": Model(wide, brisk, few_moons),
        "100-100, weight decay 0.01": Model(
            wide, partial(SGD, lr=0.3, momentum=0.9, weight_decay=0.01), few_moons
        ),
        "100-100, dropout 0.5": Model(partial(wide, dropout=0.5), brisk, few_moons),
    }  # fmt: skip


def moons(seed: int) -> tc.Splits:
    """Two half circles, 200 points."""
    return tc.data.moons(ROWS, noise=0.2, seed=seed)


def few_moons(seed: int) -> tc.Splits:
    """Forty noisy points to overfit on, tested on many."""
    train_part = tc.data.moons(40, noise=0.35, seed=seed).train
    return tc.Splits(train=train_part, test=tc.data.moons(2000, noise=0.35, seed=seed + 99).test)


def clouds(seed: int) -> tc.Splits:
    """Three clouds around the corners of a triangle."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.tensor([[-0.9, -0.6], [0.9, -0.6], [0.0, 0.95]])

    def part(rows: int) -> tuple[Tensor, Tensor]:
        labels = torch.arange(rows) % 3
        return corners[labels] + 0.4 * torch.randn(rows, 2, generator=generator), labels

    return tc.Splits(train=part(ROWS), test=part(5 * ROWS), name="three clouds")


def recipe(model: Model, seed: int) -> tc.Recipe:
    """Full batches, cross-entropy."""
    return tc.Recipe(
        model=model.build, data=model.data(seed), loss=nn.CrossEntropyLoss(), metric="accuracy",
        optimizer=model.optimizer, batch_size=None, steps=model.updates,
    )  # fmt: skip


def fit(model: Model, seed: int, fits: Fits) -> None:
    """Train once and measure."""
    done = train(recipe(model, seed), seed, test=True, evaluate_train=True, keep_model=True)
    test, own = done.history.last("test"), done.history.last("train")
    assert test is not None
    assert own is not None
    fits.nets.append(done.model)
    fits.accuracy.append(float(test.metric or 0.0))
    fits.gap.append(float(own.metric or 0.0) - fits.accuracy[-1])
    fits.bend.append(length_of_boundary(done.model))


def plane() -> tuple[np.ndarray, Tensor]:
    """A grid over the plane: its axis and its points."""
    axis = torch.linspace(-EDGE, EDGE, GRID)
    x, y = torch.meshgrid(axis, axis, indexing="xy")
    return axis.numpy(), torch.stack([x.ravel(), y.ravel()], dim=1)


def classes_of(net: nn.Module) -> np.ndarray:
    """The class of every point of the grid."""
    _, points = plane()
    with torch.no_grad():
        return net(points).argmax(1).reshape(GRID, GRID).numpy()


def length_of_boundary(net: nn.Module) -> float:
    """Steps of the grid along the boundary between classes, in widths of the drawn square."""
    kinds = classes_of(net)
    crossings = (kinds[1:] != kinds[:-1]).sum() + (kinds[:, 1:] != kinds[:, :-1]).sum()
    return float(crossings) / GRID


def claims_of(found: dict[str, Fits]) -> tuple[Claim, ...]:
    """What the seminar shows."""
    accuracy = {name: np.array(fits.accuracy) for name, fits in found.items()}
    line, free = accuracy["logistic regression"], found["100-100, no penalty"]
    decayed, dropped = found["100-100, weight decay 0.01"], found["100-100, dropout 0.5"]
    return (
        judge(
            "We try to divide non-linear data by a line.",
            source=PLACE,
            measure="test accuracy of logistic regression on two moons",
            values=line,
            above=0.7,
            below=0.95,
            reason="A line it stays, whatever the momentum.",
        ),
        judge(
            "A hidden layer of two sigmoids makes a more complex net.",
            source=PLACE,
            measure="test accuracy on two moons: 2-2-1 less logistic regression",
            values=accuracy["2-2-1"] - line,
            above=0.0,
            if_not_settled="two sigmoids draw at most two bends; where they come to lie depends on "
            "the start.",
        ),
        judge(
            "Further and further, up to the most complex one for two classes: 2-5-5-1.",
            source=PLACE,
            measure="test accuracy of 2-5-5-1 on two moons, rate 2, momentum 0.9",
            values=accuracy["2-5-5-1"],
            above=0.93,
        ),
        judge(
            "Three classes: 2-5-5-3, cross-entropy, SGD with rate 0.1.",
            source=PLACE,
            measure="test accuracy on three clouds after 1,000 updates",
            values=accuracy["three classes, 2-5-5-3"],
            above=0.8,
            if_refuted="rate 0.1 without momentum is too slow for two layers of sigmoids; with "
            "rate 2 and momentum, as for two classes, the same net reaches "
            f"{accuracy['three classes, rate 2'].mean():.0%}.",
        ),
        judge(
            "Regularisation is added by weight_decay=0.1.",
            source=PLACE,
            measure="test accuracy of 2-5-5-1 with weight decay 0.1 less without",
            values=accuracy["weight decay 0.1"] - accuracy["2-5-5-1"],
            above=-0.02,
            if_refuted="0.1 is so strong here that nothing is left of the weights: the net gives "
            "one class to the whole plane.",
        ),
        judge(
            "Regularisation smooths the boundary.",
            source="003, Regularisation",
            measure="length of the boundary of an overfitting net, without weight decay less with",
            values=np.subtract(free.bend, decayed.bend),
            above=0.0,
        ),
        judge(
            "Dropout may be put between the layers.",
            source=PLACE,
            measure="generalisation gap of an overfitting net: without dropout less with",
            values=np.subtract(free.gap, dropped.gap),
            above=0.0,
        ),
    )


def paint(axes: Axes, net: nn.Module, data: tc.Splits) -> None:
    """Classes of the plane as tints, training points on them."""
    axis, _ = plane()
    kinds = classes_of(net)
    axes.pcolormesh(axis, axis, kinds, cmap=ListedColormap(TINTS), vmin=0, vmax=2, rasterized=True)
    x, labels = data.train
    for label in range(int(labels.max()) + 1):
        chosen = x[labels == label]
        axes.scatter(chosen[:, 0], chosen[:, 1], s=13, color=POINTS[label], lw=0)
    axes.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE), aspect="equal", xticks=[], yticks=[])
    axes.grid(visible=False)


def boundaries(found: dict[str, Fits], models: dict[str, Model]) -> Picture:
    """Nine models of seed 0."""
    line, best = (np.mean(found[name].accuracy) for name in ("logistic regression", "2-5-5-1"))
    drawn, panels = figure(
        f"A line gets {line:.0%} of two moons right, two layers of five sigmoids {best:.0%}",
        "Classes over the plane and the training points, seed 0; test accuracy above each",
        rows=3, columns=3, width=9.5, height=9.6,
    )  # fmt: skip
    for axes, (name, fits) in zip(panels.flat, found.items(), strict=True):
        paint(axes, fits.nets[0], models[name].data(0))
        title_panel(axes, f"{name}: {fits.accuracy[0]:.0%}")
        axes.title.set_fontsize(10)
    return Picture("boundaries", drawn, "Depth bends the boundary; penalties straighten it.")


def accuracies(found: dict[str, Fits], settings: Settings) -> Picture:
    """Accuracy and gap, every seed."""
    free, dropped = (
        np.mean(found[name].gap) for name in ("100-100, no penalty", "100-100, dropout 0.5")
    )
    drawn, ((left, right),) = figure(
        f"The gap of the overfitting net is {free:.0%}, with dropout {dropped:.0%}",
        f"Dots are {len(settings.runs)} seeds, each with its own points; bars are means",
        columns=2, height=3.8, sharey=True, width=11,
    )  # fmt: skip
    dots(left, {name: fits.accuracy for name, fits in found.items()})
    dots(right, {name: fits.gap for name, fits in found.items()})
    title_panel(left, "Test accuracy")
    title_panel(right, "Training less test accuracy")
    return Picture("accuracies", drawn, "Every seed is a dot.")


def growing(model: Model, settings: Settings) -> Animation:
    """The boundary of 2-5-5-1 while it is trained."""
    frames = settings.pick(48, 24)
    job = recipe(model, 0)
    with seeded(0):
        net = model.build()
    marks = sorted({round(UPDATES * ((i + 1) / frames) ** 2) or 1 for i in range(frames)})
    kept: list[tuple[int, np.ndarray]] = []

    def keep(step: int, loss: Tensor) -> None:
        del loss
        if step in marks:
            kept.append((step, classes_of(net)))

    train(job.replace(model=lambda: net), 0, on_step=keep)
    drawn, ((axes,),) = figure("2-5-5-1 finds the moons", "Rate 2, momentum 0.9, seed 0",
                               width=5.2, height=5.2)  # fmt: skip
    paint(axes, net, model.data(0))
    mesh = axes.collections[0]

    def draw(frame: int) -> None:
        step, kinds = kept[frame]
        mesh.set_array(kinds)
        axes.set_title(f"update {step:,}")

    return Animation("training", drawn, draw, len(kept), "First a line, then the bends.", 8)
